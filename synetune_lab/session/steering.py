"""The commands of a run, as methods: each is queued for the session and answered by a future."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from synetune_lab.config_space import Domain, to_dict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from synetune_lab.session.inbox import CommandFuture


class Driver(Protocol):
    """Who drives a run: a session of this process, or one that is reached from afar."""

    def submit(
        self, name: str, args: dict[str, Any], *, origin: str, command_id: str | None = None
    ) -> CommandFuture:
        """Queue a command of `synetune_lab.engine.commands`; never blocks."""

    def save(self) -> Future[Any]:
        """Save now."""

    def preview_space(self, space: Mapping[str, Any]) -> Future[Any]:
        """What an edit of the space would do."""


class SteeredRun:
    """What can be asked of a run while it goes on, from any thread.

    Every method returns a future at once. Its `result(timeout)` is the answer, or raises
    `CommandRefused` with the reason why the command does not apply.
    """

    @property
    def session(self) -> Driver:
        """Who drives the run."""
        raise NotImplementedError

    def _command(self, name: str, **args: Any) -> CommandFuture:
        return self.session.submit(name, args, origin="cell")

    def pause(self, running: str = "pause") -> CommandFuture:
        """Pause the run: nothing new starts.

        Args:
            running: What running trials do: `pause` (write a checkpoint, go on at `resume_run`) or
                `finish`.
        """
        return self._command("pause_run", running=running)

    def resume_run(self) -> CommandFuture:
        """Go on after `pause`."""
        return self._command("resume_run")

    def stop(self, wait: bool = False, keep: bool = False) -> CommandFuture:
        """End the run.

        Args:
            wait: Let running trials end by themselves.
            keep: Pause running trials at their checkpoints, for a resumed run to go on with.
        """
        return self._command("stop_run", wait=wait, keep=keep)

    def pause_trial(self, *trial_ids: int) -> CommandFuture:
        """Pause trials; only you resume them."""
        return self._command("pause_trial", trial_ids=list(trial_ids))

    def resume_trial(self, *trial_ids: int) -> CommandFuture:
        """Let paused trials go on, whoever paused them."""
        return self._command("resume_trial", trial_ids=list(trial_ids))

    def stop_trial(self, *trial_ids: int) -> CommandFuture:
        """End trials for good."""
        return self._command("stop_trial", trial_ids=list(trial_ids))

    def set_workers(self, n_workers: int) -> CommandFuture:
        """Run so many trials at once from now on; those that run are not harmed."""
        return self._command("set_workers", n_workers=n_workers)

    def enqueue(self, config: Mapping[str, Any]) -> CommandFuture:
        """Try this configuration next."""
        return self._command("enqueue", config=dict(config))

    def edit_space(self, changes: Mapping[str, Any], running: str = "keep") -> CommandFuture:
        """Change the configuration space of the running search.

        Args:
            changes: What changes: names with their new domains, or constants.
            running: Whether running trials go on: `keep`, or `stop` ends those outside the new
                space.
        """
        return self._command("edit_space", space=space_json(changes), running=running)

    def set_stop_criterion(self, **rules: Any) -> CommandFuture:
        """Change rules of the `StoppingCriterion`; None removes one."""
        return self._command("set_stop_criterion", **rules)

    def set_speed(self, speed: float | None) -> CommandFuture:
        """For a run on simulated time: how fast that passes.

        Args:
            speed: Simulated seconds a real second; 0 to stand still; None for as fast as possible.
        """
        return self._command("set_speed", speed=speed)

    def step(self, count: int = 1) -> CommandFuture:
        """For a run on simulated time that stands still: let so many more things happen."""
        return self._command("step", count=count)


def space_json(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Domains and constants as the JSON that the command `edit_space` takes."""
    return {
        name: to_dict(entry) if isinstance(entry, Domain) else entry
        for name, entry in changes.items()
    }
