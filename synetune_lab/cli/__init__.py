"""The console command ``synetune-lab``.

Each module of this package is one subcommand, named after the module. It offers
``HELP`` (one line), ``add_arguments(parser)`` and ``run(options) -> int`` (the exit status); a new
subcommand is a new file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, cast

from synetune_lab.errors import SynetuneLabError

__all__ = ["main"]


class Command(Protocol):
    """What a module of this package offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the subcommand's own arguments."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; the exit status."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The words after ``synetune-lab``; None takes those of this process.

    Returns:
        The exit status: 0 if it worked, 1 if it failed with a message, 130 after Ctrl-C. argparse
        itself ends the process with 2 if the words make no sense.
    """
    options = _parser().parse_args(arguments)
    try:
        return cast("Command", options.command).run(options)
    except SynetuneLabError as error:
        print(f"synetune-lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    from synetune_lab import __version__

    parser = argparse.ArgumentParser(
        prog="synetune-lab",
        description="Hyperparameter tuning in a notebook, with a live panel that steers it.",
    )
    parser.add_argument("--version", action="version", version=f"synetune-lab {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in sorted(module.name for module in iter_modules(__path__)):
        if not name.startswith("_"):
            command = cast("Command", import_module(f"{__name__}.{name}"))
            subparser = subparsers.add_parser(name, help=command.HELP, description=command.HELP)
            command.add_arguments(subparser)
            subparser.set_defaults(command=command)
    return parser
