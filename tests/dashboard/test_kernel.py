"""A real kernel: the panel's commands are answered while a cell computes."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager, start_new_kernel

from synetune_lab.dashboard.control import COMM_ID
from synetune_lab.dashboard.display import MIME_TYPE, WIDGET_TYPE
from tests.dashboard.client import Client
from tests.dashboard.conftest import SCRIPT

ROOT = Path(__file__).parents[2]
SETUP = """
from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend import LocalBackend
from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import ASHA
space = {{"x": uniform(0, 1), "epochs": 200}}
tuner = Tuner(
    LocalBackend({script!r}, grace_period_s=5.0),
    ASHA(space, metric="acc", mode="max", resource_attr="epoch", max_resource_attr="epochs",
         random_seed=1, type="promotion"),
    StoppingCriterion(max_wallclock_time=60), n_workers=2,
    tuner_name="kernel", suffix_tuner_name=False,
)
tuner.start()
tuner
"""
BUSY = """
import time
end = time.monotonic() + 4
while time.monotonic() < end:
    pass
print("computed")
"""


class Kernel:
    """A kernel, and what it has said."""

    def __init__(self, manager: KernelManager, client: Any) -> None:
        self.manager = manager
        self.client = client
        self.heard: list[dict[str, Any]] = []
        self.view = Client()

    def listen(self, until: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Take messages in until one is it."""
        deadline = time.monotonic() + 40
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"no {what}"
            message = self.client.get_iopub_msg(timeout=left)
            self.heard.append(message)
            if message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == COMM_ID:
                self.view.take(message["content"]["data"], message["buffers"])
            if until(message):
                return message  # type: ignore[no-any-return]

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run a cell to its end; what it has put out."""
        begin, request = len(self.heard), self.client.execute(code)
        self.listen(lambda m: is_end_of(m, request), "end of the cell")
        mine = [m for m in self.heard[begin:] if m["parent_header"].get("msg_id") == request]
        errors = [m["content"] for m in mine if m["msg_type"] == "error"]
        assert not errors, "\n".join(errors[0]["traceback"])
        return mine

    def say(self, kind: str, **more: Any) -> None:
        """A panel says something, on the control channel."""
        data = {"v": 1, "kind": kind, "client": "view", "run": "kernel", **more}
        content = {"comm_id": COMM_ID, "data": data}
        self.client.control_channel.send(self.client.session.msg("comm_msg", content))

    def hear(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Wait until the panel is told something."""

        def is_it(message: dict[str, Any]) -> bool:
            data = message["content"].get("data", {})
            told = message["msg_type"] == "comm_msg" and data.get("kind") == kind
            return told and fields.items() <= data.items()

        return self.listen(is_it, f"{kind} {fields}")["content"]["data"]  # type: ignore[no-any-return]


def is_end_of(message: dict[str, Any], request: str) -> bool:
    """Whether the kernel has come to the end of a cell."""
    idle = message["content"].get("execution_state") == "idle"
    return idle and message["parent_header"].get("msg_id") == request


@pytest.fixture
def kernel(tmp_path: Path, experiments_folder: Path) -> Iterator[Kernel]:
    environment = {
        **os.environ,
        "SYNETUNE_FOLDER": str(experiments_folder),
        "PYTHONPATH": str(ROOT),
    }
    manager, client = start_new_kernel(
        kernel_name="python3", cwd=str(tmp_path), env=environment, startup_timeout=60
    )
    yield Kernel(manager, client)
    client.stop_channels()
    manager.shutdown_kernel()


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "train.py"
    path.write_text(textwrap.dedent(SCRIPT))
    return str(path)


def test_commands_are_answered_while_a_cell_computes(kernel: Kernel, script: str) -> None:
    shown = [m for m in kernel.run(SETUP.format(script=script)) if m["msg_type"] == "display_data"]
    assert len(shown) == 1
    bundle = shown[0]["content"]["data"]
    assert bundle[MIME_TYPE]["comm"] == COMM_ID
    assert "kernel: running" in bundle["text/plain"]
    if (ROOT / "synetune_lab" / "static" / "widget.js").exists():
        assert WIDGET_TYPE in bundle

    cell = kernel.client.execute(BUSY)
    kernel.listen(
        lambda m: m["msg_type"] == "execute_input" and m["parent_header"]["msg_id"] == cell,
        "beginning of the cell",
    )
    kernel.say("hello")
    assert kernel.hear("welcome")["path"] == "control"
    kernel.hear("snapshot")
    kernel.say("command", id="a", cmd="pause_run", args={})
    assert kernel.hear("ack", id="a")["ok"]
    kernel.say("query", id="b", what="trial", args={"trial_id": 0})
    assert kernel.hear("answer", id="b")["ok"]
    kernel.say("command", id="c", cmd="stop_run", args={})
    assert kernel.hear("ack", id="c")["ok"]
    # All that came before the cell's end; the order of messages is the proof.
    assert not any(is_end_of(message, cell) for message in kernel.heard)
    kernel.listen(lambda m: is_end_of(m, cell), "end of the cell")
    assert any(m["content"].get("text") == "computed\n" for m in kernel.heard)
    assert kernel.view.state is not None
    assert kernel.view.gaps == 0


def test_a_tuner_that_has_not_begun_is_shown_and_comes_alive(kernel: Kernel, script: str) -> None:
    code = SETUP.format(script=script).replace("tuner.start()\n", "")
    shown = [m for m in kernel.run(code) if m["msg_type"] == "display_data"]
    header = shown[0]["content"]["data"][MIME_TYPE]["header"]
    assert (header["state"], header["controls"]) == ("starting", False)
    kernel.say("hello")
    kernel.hear("snapshot")
    kernel.run("tuner.start()")
    while kernel.view.state is None or kernel.view.state["header"]["state"] != "running":
        kernel.listen(lambda m: m["msg_type"] == "comm_msg", "message of the panel")
    kernel.run("tuner.stop(); tuner.wait(30)")


def test_the_kernel_exits_with_a_run_in_progress_and_leaves_it_resumable(
    kernel: Kernel, script: str, experiments_folder: Path
) -> None:
    import json

    kernel.run(SETUP.format(script=script))
    kernel.run("while tuner.tuning_status.overall_metric_statistics.count < 5: pass")
    kernel.client.shutdown()
    process = kernel.manager.provisioner
    deadline = time.monotonic() + 30
    while kernel.manager.is_alive():
        assert time.monotonic() < deadline, "the kernel does not end"
        time.sleep(0.05)
    assert process is not None
    run = json.loads((experiments_folder / "kernel" / "run.json").read_text())
    assert run["state"] in ("interrupted", "finished")
    assert (experiments_folder / "kernel" / "tuner.dill").exists()
