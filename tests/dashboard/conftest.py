"""A tuner whose run goes on until it is told to stop, and a hub with a client's end of a wire."""

from __future__ import annotations

import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend import LocalBackend
from synetune_lab.dashboard import requests
from synetune_lab.dashboard.hub import Hub
from synetune_lab.optimizer.baselines import ASHA
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.tuner import Tuner
from tests.dashboard.client import Client
from tests.dashboard.histories import SPACE

SCRIPT = """
import argparse, sys, time
from pathlib import Path
from synetune_lab.report import Reporter, stop_requested
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--st_checkpoint_dir")
args, _ = parser.parse_known_args()
state = Path(args.st_checkpoint_dir) / "epoch"
state.parent.mkdir(parents=True, exist_ok=True)
report = Reporter()
print("<b>begins</b>", flush=True)
stop_requested()
for epoch in range(int(state.read_text()) + 1 if state.exists() else 1, args.epochs + 1):
    state.write_text(str(epoch))
    report(epoch=epoch, acc=1 - 1 / epoch)
    if stop_requested():
        sys.exit(0)
    time.sleep(0.05)
"""


class Wire:
    """A transport, a client at its far end, and all that came over it."""

    def __init__(self, hub: Hub, name: str = "view-1") -> None:
        self.hub = hub
        self.name = name
        self.client = Client()
        self.messages: list[dict[str, Any]] = []
        self._came = threading.Condition()
        self._asked = 0

    def send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        with self._came:
            self.client.take(content, buffers)
            self.messages.append(content)
            self._came.notify_all()

    def say(self, kind: str, **more: Any) -> None:
        """Send a message to the kernel."""
        message = {"v": 1, "kind": kind, "client": self.name, **more}
        self.hub.receive(self, message, "control")

    def wait(self, condition: Callable[[], Any], what: str, timeout: float = 20.0) -> Any:
        """Wait for a message after which the condition is true."""
        deadline = time.monotonic() + timeout
        with self._came:
            while not (value := condition()):
                left = deadline - time.monotonic()
                assert left > 0, f"no {what} after {timeout} seconds"
                self._came.wait(left)
            return value

    def wait_for(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Wait for a message of a kind, with these fields."""

        def found() -> dict[str, Any] | None:
            for message in self.messages:
                if message["kind"] == kind and fields.items() <= message.items():
                    return message
            return None

        return self.wait(found, f"{kind} {fields}")  # type: ignore[no-any-return]

    def ask(self, kind: str, run: str, **more: Any) -> dict[str, Any]:
        """Send a command or a query; its answer."""
        self._asked += 1
        request = f"{self.name}-{self._asked}"
        self.say(kind, run=run, id=request, **more)
        return self.wait_for("ack" if kind == "command" else "answer", id=request)

    def look_at(self, run: str) -> dict[str, Any]:
        """Get a snapshot; the state from then on."""
        before = self.count("snapshot")
        self.say("hello", run=run)
        self.wait(lambda: self.count("snapshot") > before, "snapshot")
        assert self.client.state is not None
        return self.client.state

    def count(self, kind: str) -> int:
        """How many messages of a kind have come."""
        return sum(message["kind"] == kind for message in self.messages)


@pytest.fixture
def hub() -> Hub:
    return Hub(requests.handle)


@pytest.fixture
def wire(hub: Hub) -> Wire:
    return Wire(hub)


@pytest.fixture
def make_tuner(tmp_path: Path) -> Iterator[Callable[..., Tuner]]:
    """Makes tuners whose trials take a while; they are stopped after the test."""
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(SCRIPT))
    made: list[Tuner] = []

    def make(name: str = "digits", **more: Any) -> Tuner:
        scheduler = ASHA(
            {**SPACE, "epochs": 200},
            metric="acc",
            mode="max",
            resource_attr="epoch",
            max_resource_attr="epochs",
            type="promotion",
            random_seed=1,
        )
        tuner = Tuner(
            LocalBackend(str(script), grace_period_s=5.0),
            scheduler,
            StoppingCriterion(max_wallclock_time=120),
            n_workers=2,
            tuner_name=name,
            suffix_tuner_name=False,
            **more,
        )
        made.append(tuner)
        return tuner

    yield make
    for tuner in made:
        if tuner.is_running:
            tuner.stop()
            tuner.wait(30)


@pytest.fixture
def tuner(make_tuner: Callable[..., Tuner], hub: Hub) -> Tuner:
    """A tuner that runs, known to the hub."""
    running = make_tuner()
    running.start()
    hub.watch(running)
    return running
