"""A function as the trials of an experiment."""

from __future__ import annotations

import importlib
import json
import linecache
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend import PythonBackend
from synetune_lab.backend.local.identity import ProcessHandle
from synetune_lab.backend.python_backend import nursery
from synetune_lab.backend.python_backend.python_backend import file_md5
from synetune_lab.backend.python_backend.running import IMPORTED_FILENAME
from synetune_lab.errors import BackendError
from synetune_lab.testing.backend_driver import BackendDriver

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="trials are split off on Linux")
MakeDriver = Callable[..., BackendDriver]


def wait_for(condition: Callable[[], object], patience: float = 40.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture(params=[True, False], ids=["prestarted", "plain"])
def prestart(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def make_driver(tmp_path: Path) -> Any:
    drivers: list[BackendDriver] = []

    def make(function: Callable[..., Any], space: dict[str, Any], **kwargs: Any) -> BackendDriver:
        folder = tmp_path / f"experiment-{len(drivers)}"
        drivers.append(BackendDriver(PythonBackend(function, space, **kwargs), folder))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.backend.close()


def backend_of(driver: BackendDriver) -> PythonBackend:
    assert isinstance(driver.backend, PythonBackend)
    return driver.backend


def run_one(driver: BackendDriver, trial_id: int, config: dict[str, Any]) -> dict[str, Any]:
    driver.start(trial_id, config)
    end = driver.until_ended_one(trial_id)
    assert end.cause == "exited", end
    return driver.reports(trial_id)[0]


def warm_up(driver: BackendDriver, config: dict[str, Any]) -> None:
    run_one(driver, 0, config)
    wait_for(lambda: backend_of(driver).is_warm)


def echo(**kwargs: Any) -> None:
    from synetune_lab import Reporter

    Reporter()(config=kwargs)


def cell(text: str, name: str) -> Callable[..., Any]:
    """A function as a notebook defines it: in `__main__`, with its source in the line cache."""
    text = textwrap.dedent(text)
    filename = f"/tmp/ipykernel_1/{abs(hash(text))}.py"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, filename, "exec"), namespace)  # noqa: S102 - that is what a cell is
    function = namespace[name]
    assert isinstance(function, types.FunctionType)
    return function


# What the function gets and what becomes of it.


def test_it_gets_the_hyperparameters_that_it_takes(make_driver: MakeDriver, prestart: bool) -> None:
    def function(lr: float, epochs: int, extra: str = "default") -> None:
        from synetune_lab import Reporter

        Reporter()(lr=lr, epochs=epochs, extra=extra)

    driver = make_driver(function, {"lr": 0.1, "epochs": 3, "unused": 1}, prestart=prestart)
    report = run_one(driver, 0, {"lr": 0.25, "epochs": 7, "unused": 1})
    assert (report["lr"], report["epochs"], report["extra"]) == (0.25, 7, "default")


def test_it_gets_everything_if_it_takes_everything(make_driver: MakeDriver, prestart: bool) -> None:
    driver = make_driver(echo, {"a": 1}, prestart=prestart)
    assert run_one(driver, 0, {"a": 1, "b": [2, 3]})["config"] == {"a": 1, "b": [2, 3]}


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda lr, momentum: None, ["momentum", "subset", "unused"]),
        (lambda lr, /: None, ["lr", "by position"]),
        (3, ["function"]),
    ],
)
def test_arguments_that_the_space_lacks_are_named(function: Any, names: list[str]) -> None:
    with pytest.raises(BackendError) as caught:
        PythonBackend(function, {"lr": 0.1, "unused": 2})
    assert all(name in str(caught.value) for name in names)


def test_what_can_not_be_sent_is_refused_at_once() -> None:
    lock = threading.Lock()
    generator = (i for i in range(3))

    def function(x: int) -> None:
        with lock:
            next(generator)

    with pytest.raises(BackendError, match="self-contained"):
        PythonBackend(function, {"x": 1})


def test_a_function_of_a_cell_takes_along_what_it_refers_to(
    make_driver: MakeDriver, prestart: bool
) -> None:
    function = cell(
        """
        import math
        SCALE = 10
        def helper(x):
            return math.floor(x * SCALE)
        def train(x):
            from synetune_lab import Reporter
            Reporter()(y=helper(x))
        """,
        "train",
    )
    assert run_one(make_driver(function, {"x": 1.0}, prestart=prestart), 0, {"x": 1.25})["y"] == 12


def test_a_function_of_a_module_is_sent_as_it_is_now(
    make_driver: MakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prestart: bool
) -> None:
    module = tmp_path / "my_training.py"
    text = "def train(x):\n    from synetune_lab import Reporter\n    Reporter()(y=x + {})\n"
    module.write_text(text.format(1))
    monkeypatch.syspath_prepend(tmp_path)
    train = importlib.import_module("my_training").train
    driver = make_driver(train, {"x": 1}, prestart=prestart)
    module.write_text(text.format(1000))
    assert run_one(driver, 0, {"x": 1})["y"] == 2


def test_an_exception_shows_the_line_of_the_cell(make_driver: MakeDriver, prestart: bool) -> None:
    function = cell(
        """
        def train(x):
            # a comment
            raise ValueError("bad luck")  # in line 4
        """,
        "train",
    )
    driver = make_driver(function, {"x": 1}, prestart=prestart)
    driver.start(0, {"x": 1})
    end = driver.until_ended_one(0)
    assert (end.cause, end.exit_code) == ("failed", 1)
    assert end.error is not None
    assert 'line 4, in train\n    raise ValueError("bad luck")' in end.error
    assert end.error.endswith("ValueError: bad luck")
    assert "run_stored_function" not in end.error


@pytest.mark.parametrize(("value", "code"), [(None, 0), (0, 0), (3, 3), ("a text", 1)])
def test_exits_of_the_function(make_driver: MakeDriver, value: Any, code: int) -> None:
    def function() -> None:
        import sys

        sys.exit(value)

    driver = make_driver(function, {})
    driver.start(0, {})
    end = driver.until_ended_one(0)
    assert (end.cause, end.exit_code) == ("failed" if code else "exited", code)


def test_it_has_logs_exit_handlers_and_threads_like_a_script(
    make_driver: MakeDriver, prestart: bool
) -> None:
    def function() -> None:
        import atexit
        import sys
        import threading
        import time

        atexit.register(lambda: sys.stdout.write("at exit\n"))

        def later() -> None:
            time.sleep(0.1)
            sys.stdout.write("from a thread\n")

        threading.Thread(target=later).start()
        sys.stdout.write("to std.out\n")
        sys.stderr.write("to std.err\n")

    driver = make_driver(function, {}, prestart=prestart)
    driver.start(0, {})
    assert driver.until_ended_one(0).cause == "exited"
    assert driver.backend.stdout(0) == ["to std.out\n", "from a thread\n", "at exit\n"]
    assert driver.backend.stderr(0) == ["to std.err\n"]


def test_it_may_use_processes_of_its_own(make_driver: MakeDriver, prestart: bool) -> None:
    def function() -> None:
        import subprocess

        from synetune_lab import Reporter

        done = subprocess.run(["echo", "hi"], capture_output=True, text=True, check=True)
        Reporter()(out=done.stdout.strip(), code=subprocess.run(["false"], check=False).returncode)

    report = run_one(make_driver(function, {}, prestart=prestart), 0, {})
    assert (report["out"], report["code"]) == ("hi", 1)


def test_it_can_be_replaced(make_driver: MakeDriver) -> None:
    driver = make_driver(echo, {"a": 1})

    def other(a: int) -> None:
        from synetune_lab import Reporter

        Reporter()(other=a)

    backend_of(driver).save_tune_function(other)
    assert run_one(driver, 0, {"a": 4})["other"] == 4


def test_a_changed_file_is_not_run(make_driver: MakeDriver, prestart: bool) -> None:
    driver = make_driver(echo, {"a": 1}, prestart=prestart)
    file = backend_of(driver).tune_function_path / "tune_function.dill"
    before = file_md5(file)
    file.write_bytes(file.read_bytes() + b".")
    assert file_md5(file) != before
    driver.start(0, {"a": 1})
    end = driver.until_ended_one(0)
    assert end.cause == "failed"
    assert before in (end.error or "")


def test_it_survives_pickling(make_driver: MakeDriver, tmp_path: Path) -> None:
    driver = make_driver(echo, {"a": 1})
    run_one(driver, 0, {"a": 1})
    twin = pickle.loads(pickle.dumps(driver.backend))
    with BackendDriver(twin, tmp_path / "elsewhere") as other:
        assert run_one(other, 0, {"a": 2})["config"] == {"a": 2}


# Trials that are split off.


def uses_fractions(name: str) -> None:
    import time

    begun = time.time()
    import os
    import sys

    was_there = name in sys.modules
    __import__(name)
    from synetune_lab import Reporter

    Reporter()(begun=begun, was_there=was_there, parent=os.getppid(), environment=dict(os.environ))


@linux_only
def test_later_trials_find_imported_what_the_first_imported(make_driver: MakeDriver) -> None:
    driver = make_driver(uses_fractions, {"name": "x"})
    config = {"name": "sklearn.neural_network"}
    warm_up(driver, config)
    assert driver.reports(0)[0]["was_there"] is False
    for trial_id in range(1, 6):
        asked = time.time()
        report = run_one(driver, trial_id, config)
        assert report["was_there"] is True
        assert report["begun"] - asked < 5.0
    imported = json.loads((backend_of(driver).tune_function_path / IMPORTED_FILENAME).read_text())
    assert "sklearn.neural_network" in imported


@linux_only
def test_modules_of_the_user_are_imported_by_each_trial(
    make_driver: MakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "my_helper.py"
    module.write_text("VALUE = 1")
    monkeypatch.syspath_prepend(tmp_path)

    def function() -> None:
        import fractions  # noqa: F401

        import my_helper  # type: ignore[import-not-found]

        from synetune_lab import Reporter

        Reporter()(value=my_helper.VALUE)

    driver = make_driver(function, {})
    warm_up(driver, {})
    module.write_text("VALUE = 22222")
    assert run_one(driver, 1, {})["value"] == 22222


@linux_only
def test_a_package_whose_import_starts_threads_is_left_to_the_trials(
    make_driver: MakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "threaded.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(100,), daemon=True).start()\n"
    )
    driver = make_driver(uses_fractions, {"name": "x"})
    folder = backend_of(driver).tune_function_path
    # As if it were an installed package: found by the zygote, and among what the first imported.
    (folder / IMPORTED_FILENAME).write_text(json.dumps(["fractions", "threaded", "colorsys"]))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    wait_for(lambda: backend_of(driver).is_warm)
    assert run_one(driver, 0, {"name": "colorsys"})["was_there"] is True
    assert run_one(driver, 1, {"name": "fractions"})["was_there"] is True
    assert run_one(driver, 2, {"name": "threaded"})["was_there"] is False


@linux_only
def test_split_off_trials_draw_different_random_numbers(make_driver: MakeDriver) -> None:
    def function() -> None:
        import random

        import numpy as np

        from synetune_lab import Reporter

        Reporter()(drawn=[random.random(), float(np.random.rand())])  # noqa: NPY002

    driver = make_driver(function, {})
    warm_up(driver, {})
    drawn = [run_one(driver, trial_id, {})["drawn"] for trial_id in (1, 2, 3)]
    assert len({values[0] for values in drawn}) == len({values[1] for values in drawn}) == 3


@linux_only
def test_split_off_trials_have_the_threads_of_others(make_driver: MakeDriver) -> None:
    def function() -> None:
        import sklearn.linear_model  # noqa: F401
        from threadpoolctl import threadpool_info

        from synetune_lab import Reporter

        Reporter()(threads=[(i["internal_api"], i["num_threads"]) for i in threadpool_info()])

    driver = make_driver(function, {})
    warm_up(driver, {})
    assert sorted(run_one(driver, 1, {})["threads"]) == sorted(driver.reports(0)[0]["threads"])


@linux_only
def test_split_off_trials_see_the_environment_of_now(
    make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = make_driver(uses_fractions, {"name": "x"}, env={"ADDED": "1"})
    warm_up(driver, {"name": "fractions"})
    monkeypatch.setenv("LATER", "2")
    environment = run_one(driver, 1, {"name": "fractions"})["environment"]
    assert (environment["ADDED"], environment["LATER"]) == ("1", "2")
    assert "OPENBLAS_NUM_THREADS" not in environment


def stays(x: int) -> None:
    import time

    from synetune_lab import Reporter

    report = Reporter()
    for step in range(100_000):
        report(step=step)
        time.sleep(0.01)


OWNER = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_python_backend import stays
from synetune_lab.backend import PythonBackend
from synetune_lab.testing.backend_driver import BackendDriver

if __name__ == "__main__":
    driver = BackendDriver(PythonBackend(stays, {"x": 1}), Path(sys.argv[1]))
    while driver.backend.prestarted_pid is None:
        time.sleep(0.005)
    driver.start(0, {"x": 1})
    driver.until_reported(0, 3)
    zygote = driver.backend.prestarted_pid
    handle, offset = driver.handle(0), driver.backend.delivered(0)
    print(json.dumps([zygote, handle, offset, len(driver.reports(0))]), flush=True)
    time.sleep(100)
"""


@linux_only
def test_the_process_to_split_off_dies_with_the_tuner_and_its_trials_do_not(
    tmp_path: Path,
) -> None:
    owner = tmp_path / "owner.py"
    owner.write_text(OWNER)
    folder = tmp_path / "experiment"
    with subprocess.Popen(
        [sys.executable, str(owner), str(folder), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        pid, handle, offset, seen = json.loads(process.stdout.readline())
        zygote = ProcessHandle.of(pid)
        assert zygote is not None
        os.killpg(process.pid, signal.SIGKILL)
    wait_for(lambda: not zygote.is_alive())
    with BackendDriver(PythonBackend(stays, {"x": 1}), folder) as driver:
        driver.backend.set_delivered(0, 0, offset)
        assert driver.backend.adopt({0: (0, handle)}) == {0: 0}
        driver.until_reported(0, 5)
        steps = [report["step"] for report in driver.reports(0)]
        assert steps == list(range(seen, seen + len(steps)))
        driver.stop(0)
        assert driver.until_ended_one(0).cause == "stopped"


@linux_only
def test_trials_start_as_ordinary_processes_when_splitting_off_fails(
    make_driver: MakeDriver,
) -> None:
    driver = make_driver(uses_fractions, {"name": "x"})
    warm_up(driver, {"name": "fractions"})
    pid = backend_of(driver).prestarted_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    run_one(driver, 1, {"name": "fractions"})
    wait_for(lambda: backend_of(driver).is_warm)
    assert run_one(driver, 2, {"name": "fractions"})["was_there"] is True


@linux_only
def test_a_process_that_does_not_answer_is_given_up(
    make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nursery, "ANSWER_TIMEOUT_S", 0.05)
    driver = make_driver(uses_fractions, {"name": "x"})
    wait_for(lambda: backend_of(driver).prestarted_pid)
    pid = backend_of(driver).prestarted_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    run_one(driver, 0, {"name": "fractions"})
    assert ProcessHandle.of(pid) is None
