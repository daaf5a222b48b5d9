"""Commands come from any thread, are answered once, and never make a thread wait for itself."""

from __future__ import annotations

import threading

import pytest

from synetune_lab.errors import CommandRefused
from synetune_lab.session.inbox import Inbox


def make_inbox() -> tuple[Inbox, list[int]]:
    woken: list[int] = []
    return Inbox(lambda: woken.append(1)), woken


def test_a_command_wakes_the_session_and_is_answered() -> None:
    inbox, woken = make_inbox()
    future = inbox.submit("set_workers", {"n_workers": 3}, "cell")
    assert woken == [1]
    (command,) = inbox.commands()
    assert (command.name, command.args, command.origin) == ("set_workers", {"n_workers": 3}, "cell")
    assert inbox.commands() == []
    inbox.answer(command.command_id, True, {"n_workers": 3}, None)
    assert future.result(timeout=0) == {"n_workers": 3}


def test_a_refusal_is_raised_where_the_result_is_asked_for() -> None:
    inbox, _ = make_inbox()
    future = inbox.submit("pause_trial", {"trial_ids": [7]}, "panel")
    inbox.answer(future.command_id, False, None, "trial 7 has ended")
    with pytest.raises(CommandRefused, match="trial 7 has ended"):
        future.result(timeout=0)


def test_the_same_id_twice_is_one_command() -> None:
    inbox, _ = make_inbox()
    first = inbox.submit("pause_run", {}, "panel", "click-1")
    assert inbox.submit("pause_run", {}, "panel", "click-1") is first
    assert len(inbox.commands()) == 1


def test_an_answer_that_does_not_come_is_a_timeout_and_leaves_the_command() -> None:
    inbox, _ = make_inbox()
    future = inbox.submit("pause_run", {}, "cell")
    with pytest.raises(TimeoutError, match="still queued"):
        future.result(timeout=0.01)
    inbox.answer(future.command_id, True, None, None)
    assert future.result(timeout=0) is None


def test_a_callback_that_waits_for_its_own_thread_is_told_so() -> None:
    inbox, _ = make_inbox()
    inbox.thread = threading.get_ident()
    future = inbox.submit("pause_run", {}, "cell")
    with pytest.raises(CommandRefused, match="callback"):
        future.result()
    inbox.answer(future.command_id, True, "done", None)
    assert future.result() == "done"


def test_what_waits_and_what_comes_later_is_refused_after_the_end() -> None:
    inbox, _ = make_inbox()
    waiting = inbox.submit("pause_run", {}, "cell")
    inbox.close("the run is over")
    for future in (waiting, inbox.submit("pause_run", {}, "cell")):
        with pytest.raises(CommandRefused, match="the run is over"):
            future.result(timeout=0)


def test_a_read_runs_on_the_sessions_thread() -> None:
    inbox, woken = make_inbox()
    inbox.thread = threading.get_ident()
    assert inbox.read(threading.get_ident).result(timeout=0) == threading.get_ident()
    from_elsewhere = []
    thread = threading.Thread(target=lambda: from_elsewhere.append(inbox.read(threading.get_ident)))
    thread.start()
    thread.join()
    assert not from_elsewhere[0].done()
    assert woken == [1]
    inbox.run_reads()
    assert from_elsewhere[0].result(timeout=0) == threading.get_ident()


def test_an_error_of_a_read_is_its_askers() -> None:
    inbox, _ = make_inbox()
    future = inbox.read(lambda: 1 // 0)
    inbox.run_reads()
    with pytest.raises(ZeroDivisionError):
        future.result(timeout=0)


def test_reads_still_work_when_nobody_drives_the_run() -> None:
    inbox, _ = make_inbox()
    waiting = inbox.read(lambda: 1)
    inbox.close("over")
    assert waiting.result(timeout=0) == 1
    assert inbox.read(lambda: 2).result(timeout=0) == 2
