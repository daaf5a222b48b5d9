"""The actor that hosts trials, one after the other, on whichever node Ray puts it.

It knows no other process than its trial: whoever drives asks by `take` for what is new, and gets
an answer when there is something. So a driver that comes later finds it by its name, and goes on.
"""

from __future__ import annotations

import logging
import os
import pickle
import queue
import tempfile
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.local.folder import TrialFolder
from synetune_lab.backend.local.stragglers import kill_session
from synetune_lab.backend.ray_backend.keeping import Keeper
from synetune_lab.backend.ray_backend.leash import Leash, die_with_daemon
from synetune_lab.backend.ray_backend.stepping import SteppedTrainable
from synetune_lab.backend.ray_backend.storage import TrialStorage, reports_in
from synetune_lab.engine.actions import PauseTrial, StartTrial, StopTrial
from synetune_lab.engine.events import TrialEnded, TrialReported, TrialStarted

if TYPE_CHECKING:
    from synetune_lab.backend.local.folder import Request
    from synetune_lab.backend.ray_backend.hosted import HostedFunction, HostedScript

__all__ = ["HostPlan", "Order", "TrialHost"]

logger = logging.getLogger(__name__)

TAKE_S = 20.0
"""A call of `take` is answered after this, with nothing if there is nothing."""
MAX_NEWS = 256
"""Reports in one answer."""


@dataclass(frozen=True)
class HostPlan:
    """What a host is to do; all trials of an experiment have the same.

    Attributes:
        body: Pickled `HostedScript`, `HostedFunction` or `SteppedTrainable`.
        storage: Where trials keep their files.
        folder: Current folder of trials, if there is one of that name.
        grace_period_s: Seconds that a trial has from a request to end until it is killed.
        linger_s: A host that nobody has asked for anything for so long ends.
    """

    body: bytes
    storage: TrialStorage
    folder: str | None
    grace_period_s: float
    linger_s: float


@dataclass(frozen=True)
class Order:
    """One run of a trial; `offset` is the least size of its log, as known to the driver."""

    trial_id: int
    run: int
    config: dict[str, Any]
    offset: int = 0


@dataclass
class _Run:
    order: Order
    log: Path
    news: deque[tuple[int, dict[str, Any]]] = field(default_factory=deque)
    dropped: int = 0  # offset behind the last report that was acknowledged
    warnings: list[str] = field(default_factory=list)
    end: dict[str, Any] | None = None


class TrialHost:
    """Runs trials. Its methods are called remotely, several at a time.

    Args:
        plan: What to do.
    """

    def __init__(self, plan: HostPlan) -> None:
        self._plan = plan
        self._node = _node_id()
        self._scratch = tempfile.TemporaryDirectory(prefix="synetune-")
        self._root = plan.storage.trials_at(Path(self._scratch.name))
        if plan.folder is not None and Path(plan.folder).is_dir():
            os.chdir(plan.folder)
        self._changed = threading.Condition()
        self._orders: queue.Queue[Order | None] = queue.Queue()
        self._has_cleaned_up = threading.Event()
        self._keeper = Keeper(plan.storage)
        self._requests: dict[tuple[int, int], Request] = {}
        self._run: _Run | None = None
        self._process: HostedScript | HostedFunction | None = None
        self._leash: Leash | None = None
        die_with_daemon()
        threading.Thread(target=self._serve, name="trials", daemon=True).start()

    # Called remotely.

    def hello(self) -> dict[str, Any]:
        """Where this is: the answer comes once Ray has found a place for it."""
        return {"node": self._node}

    def run(self, order: Order) -> dict[str, Any]:
        """Begin a run; what comes of it is told by `take`."""
        self._orders.put(order)
        return self.hello()

    def ask(self, trial_id: int, run: int, request: Request) -> None:
        """Ask a run to pause or stop."""
        with self._changed:
            self._requests[trial_id, run] = request
        if self._process is not None:
            self._process.wake()
        if isinstance(self._body, SteppedTrainable):
            timer = threading.Timer(self._plan.grace_period_s, self._cut_short, (trial_id, run))
            timer.daemon = True
            timer.start()

    def clean_up(self) -> None:
        """Let the object of a class trainable clean up: no trial is to come."""
        self._orders.put(None)
        self._has_cleaned_up.wait()

    def take(self, trial_id: int, run: int, offset: int) -> dict[str, Any]:
        """What a run reported, and how it has ended; waits until there is something.

        Args:
            trial_id: The trial.
            run: Its run.
            offset: What stands before this in its log is known to the caller.

        Returns:
            `node`; `reports`, each with the offset behind it; `warnings`, texts that the user
            should read; `end`, or None.
        """

        def has_news() -> bool:
            mine = self._mine(trial_id, run)
            if mine is None:
                return False
            return bool(mine.news) or bool(mine.warnings) or mine.end is not None

        answer: dict[str, Any] = {**self.hello(), "reports": [], "warnings": [], "end": None}
        with self._changed:
            mine = self._mine(trial_id, run)
            if mine is not None:
                self._acknowledge(mine, offset)
            self._changed.wait_for(has_news, TAKE_S)
            mine = self._mine(trial_id, run)
            if mine is None:
                return answer
            reports = [item for item in mine.news if item[0] > offset][:MAX_NEWS]
            whole = not reports or reports[-1][0] == mine.news[-1][0]
            answer["warnings"], mine.warnings = mine.warnings, []
            return {**answer, "reports": reports, "end": mine.end if whole else None}

    def state(self, trial_id: int, run: int) -> str | None:
        """`running` or `ended` for a run that is here, else None."""
        with self._changed:
            mine = self._mine(trial_id, run)
            return None if mine is None else "running" if mine.end is None else "ended"

    def tail(self, trial_id: int, lines: int) -> dict[str, list[str]]:
        """The last lines of a trial's logs on this node."""
        from synetune_lab.backend.local.log_tail import last_lines

        folder = TrialFolder(self._root / str(trial_id))
        return {
            "stdout": last_lines(folder.stdout, lines),
            "stderr": last_lines(folder.stderr, lines),
        }

    # What happens here.

    def _mine(self, trial_id: int, run: int) -> _Run | None:
        mine = self._run
        if mine is None or (mine.order.trial_id, mine.order.run) != (trial_id, run):
            return None
        return mine

    def _acknowledge(self, mine: _Run, offset: int) -> None:
        """Forget reports that are known, or get those again which an earlier driver took."""
        if offset < mine.dropped:
            last = mine.dropped
            again = [item for item in reports_in(mine.log, offset) if item[0] <= last]
            mine.news.extendleft(reversed(again))
            mine.dropped = offset
        while mine.news and mine.news[0][0] <= offset:
            mine.dropped = mine.news.popleft()[0]

    def _serve(self) -> None:
        """Carry out orders; ends this process when nobody wants anything any more."""
        self._body = pickle.loads(self._plan.body)
        if not isinstance(self._body, SteppedTrainable):
            self._process = self._body
            self._process.trials_at = self._root
            self._process.settle(Path(self._scratch.name))
            self._process.open(Path(self._scratch.name), "trials")
            self._leash = Leash()
        while True:
            try:
                order = self._orders.get(timeout=self._plan.linger_s)
            except queue.Empty:
                self._clean_up()
                os._exit(0)
            if order is None:
                self._clean_up()
                self._has_cleaned_up.set()
            else:
                self._carry_out(order)

    _body: Any = None

    def _clean_up(self) -> None:
        if isinstance(self._body, SteppedTrainable):
            self._body.cleanup()

    def _carry_out(self, order: Order) -> None:
        folder = TrialFolder(self._root / str(order.trial_id))
        with self._changed:
            self._run = _Run(order, folder.stdout, dropped=order.offset)
        try:
            self._keeper.begin(folder, order.trial_id)
        except Exception as error:
            logger.exception("files of trial %d could not be fetched", order.trial_id)
            self._conclude(order, _failed(error))
            return
        is_sound = True
        try:
            _stretch(folder.stdout, order.offset)
            if self._process is not None:
                end = self._run_process(self._process, order, folder)
            else:
                end = self._run_steps(self._body, order, folder)
        except Exception as error:
            logger.exception("trial %d could not be run", order.trial_id)
            end = _failed(error)
            is_sound = self._process is None
            if not is_sound:
                _kill(folder, order.run)
        warning = self._keeper.finish(folder, order.trial_id, order.run)
        if warning is not None:
            self._warn(warning)
            end["behind"] = True
        if is_sound:
            self._conclude(order, end)
        else:
            # What looked after the trial may still take it for running, and is not fit to look
            # after another one. Whoever drives finds reports and end where they are kept.
            self._write_end(order, end)
            os._exit(1)

    def _conclude(self, order: Order, end: dict[str, Any]) -> None:
        self._write_end(order, end)
        with self._changed:
            assert self._run is not None
            self._run.end = end
            self._requests.pop((order.trial_id, order.run), None)
            self._changed.notify_all()

    def _write_end(self, order: Order, end: dict[str, Any]) -> None:
        try:
            self._plan.storage.write_end(order.trial_id, {**end, "run": order.run})
        except Exception:
            logger.warning("the end of trial %d was not noted", order.trial_id, exc_info=True)

    def _tell(self, order: Order, folder: TrialFolder, news: list[tuple[int, Any]]) -> None:
        if not news:
            return
        with self._changed:
            assert self._run is not None
            self._run.news.extend(news)
            self._changed.notify_all()
        warning = self._keeper.keep(folder, order.trial_id, order.run)
        if warning is not None:
            self._warn(warning)

    def _warn(self, text: str) -> None:
        with self._changed:
            assert self._run is not None
            self._run.warnings.append(text)
            self._changed.notify_all()

    def _run_process(
        self, process: HostedScript | HostedFunction, order: Order, folder: TrialFolder
    ) -> dict[str, Any]:
        trial_id, run = order.trial_id, order.run
        process.execute(StartTrial(trial_id, run, order.config))
        asked: Request | None = None
        assert self._leash is not None
        while True:
            request = self._requests.get((trial_id, run))
            if request != asked:
                asked = request
                action = PauseTrial if request == "pause" else StopTrial
                process.execute(action(trial_id, run))
            news: list[tuple[int, Any]] = []
            events = process.wait_events(None)
            while events:
                for event in events:
                    if not isinstance(event, (TrialStarted, TrialReported, TrialEnded)):
                        continue
                    if (event.trial_id, event.run) != (trial_id, run):
                        continue  # of a trial before this one
                    if isinstance(event, TrialStarted):
                        self._leash.hold(event.handle["pid"])
                    elif isinstance(event, TrialReported):
                        news.append((process.delivered(trial_id), dict(event.result)))
                    else:
                        self._leash.hold(None)
                        self._tell(order, folder, news)
                        return {
                            "cause": event.cause,
                            "exit_code": event.exit_code,
                            "error": event.error,
                        }
                events = process.wait_events(0.0) if len(news) < MAX_NEWS else []
            self._tell(order, folder, news)

    def _run_steps(
        self, body: SteppedTrainable, order: Order, folder: TrialFolder
    ) -> dict[str, Any]:
        folder.prepare(order.config)
        key = (order.trial_id, order.run)
        code, error = body.run(
            folder,
            order.config,
            lambda offset, report: self._tell(order, folder, [(offset, report)]),
            lambda: self._requests.get(key),
        )
        return {**_as_asked(self._requests.get(key), code), "error": error}

    def _cut_short(self, trial_id: int, run: int) -> None:
        """The grace of a trial that goes on stepping is over: end it together with this process."""
        with self._changed:
            mine, request = self._mine(trial_id, run), self._requests.get((trial_id, run))
            if mine is None or mine.end is not None or request is None:
                return
        end = {**_as_asked(request, None), "error": None, "run": run}
        with suppress(Exception):
            self._plan.storage.write_end(trial_id, end)
        os._exit(0)


def _failed(error: Exception) -> dict[str, Any]:
    return {"cause": "failed", "exit_code": None, "error": f"{type(error).__name__}: {error}"}


def _kill(folder: TrialFolder, run: int) -> None:
    """Kill the processes of a run at once."""
    noted = folder.read_process()
    if noted is not None and noted[0] == run:
        kill_session(noted[2])


def _as_asked(request: Request | None, code: int | None) -> dict[str, Any]:
    if request is not None and not code:
        return {"cause": "paused" if request == "pause" else "stopped", "exit_code": code}
    return {"cause": "failed" if code else "exited", "exit_code": code}


def _stretch(log: Path, size: int) -> None:
    """Let a log go on where the driver knows it to: a lost node may have taken its end with it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    if log.stat().st_size < size:
        os.truncate(log, size)


def _node_id() -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id())
