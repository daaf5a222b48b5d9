"""What clients say, and what they get for it. All of it runs on the hub's thread."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.dashboard.messages import VERSION
from synetune_lab.dashboard.queries import QUERIES
from synetune_lab.errors import CommandRefused, SynetuneLabError
from synetune_lab.store.run_files import to_json as plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from synetune_lab.dashboard.hub import Hub, Sender

logger = logging.getLogger(__name__)

NOT_DRIVEN = "the run is not being driven: resume it first"


def handle(hub: Hub, sender: Sender, content: Any) -> None:
    """Deal with a message; one of another version, or of a kind that is not known, is left out."""
    if not isinstance(content, Mapping) or content.get("v") != VERSION:
        logger.warning("a message of another version of the panel was left out")
        return
    client, run = str(content.get("client")), content.get("run")
    kind = content.get("kind")
    if kind == "hello":
        _hello(hub, sender, client, run)
    elif kind == "resync":
        hub.send_snapshot(sender, client, str(run))
    elif kind == "seen":
        if not hub.heard_of(client, str(run)):
            hub.send_snapshot(sender, client, str(run))
    elif kind == "command":
        _answer(hub, sender, client, content, "ack", _command)
    elif kind == "query":
        _answer(hub, sender, client, content, "answer", _query)


def _hello(hub: Hub, sender: Sender, client: str, run: Any) -> None:
    runs = []
    for feed in list(hub.feeds.values()):
        feed.refresh()
        header = feed.header()
        runs.append({"run": feed.key, "name": header["name"], "state": header["state"]})
    welcome = {"v": VERSION, "kind": "welcome", "client": client, "runs": runs}
    sender.transport.send({**welcome, "run": run, "path": sender.path}, [])
    if isinstance(run, str):
        hub.send_snapshot(sender, client, run)


def _answer(
    hub: Hub,
    sender: Sender,
    client: str,
    content: Mapping[str, Any],
    kind: str,
    ask: Callable[[Hub, Mapping[str, Any], Callable[[dict[str, Any]], None]], None],
) -> None:
    """Have `ask` deal with a request. Whatever happens, the client gets an answer."""
    frame = {"v": VERSION, "kind": kind, "client": client, "id": str(content.get("id"))}

    def reply(outcome: dict[str, Any]) -> None:
        hub.call(lambda: sender.transport.send({**frame, **outcome}, []))

    try:
        ask(hub, content, reply)
    except SynetuneLabError as error:
        reply({"ok": False, "error": str(error)})
    except Exception as error:
        logger.exception("%s could not be answered", content.get("cmd") or content.get("what"))
        reply({"ok": False, "error": f"{type(error).__name__}: {error}"})


def _arguments(content: Mapping[str, Any]) -> dict[str, Any]:
    args = content.get("args") or {}
    if not isinstance(args, Mapping):
        raise CommandRefused(f"args must be an object, got {args!r}")
    return dict(args)


def _command(hub: Hub, content: Mapping[str, Any], reply: Callable[[dict[str, Any]], None]) -> None:
    session = hub.feed_of(content.get("run")).session
    if session is None:
        raise CommandRefused(NOT_DRIVEN)
    name, args = str(content.get("cmd")), _arguments(content)
    if name == "save":
        future: Any = session.save()
    else:
        request = str(content.get("id"))
        future = session.submit(name, args, origin="panel", command_id=request)
    future.add_done_callback(lambda done: reply(outcome(done)))


def outcome(future: Any) -> dict[str, Any]:
    """What became of a request, as the protocol says it."""
    error = future.exception()
    if error is not None:
        return {"ok": False, "error": str(error)}
    return {"ok": True, "result": plain(future.result())}


def _query(hub: Hub, content: Mapping[str, Any], reply: Callable[[dict[str, Any]], None]) -> None:
    what, args = str(content.get("what")), _arguments(content)
    query = QUERIES.get(what)
    if query is None:
        raise CommandRefused(f"there is no query {what!r}")
    query(hub, content.get("run"), args).add_done_callback(lambda done: reply(outcome(done)))
