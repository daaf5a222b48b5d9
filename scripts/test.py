#!/usr/bin/env python3
"""Set the project up and run every test and check.

    python3 scripts/test.py                      everything
    python3 scripts/test.py --only python        one part
    python3 scripts/test.py --only style browser several
    python3 scripts/test.py --fix                let the formatters and linters repair first

The parts are `style` (with types), `python`, `typescript`, `browser` and `cloud` (SageMaker against
a server on this machine, and a Ray cluster of local processes).

Exits 0 if all of them pass. What is set up already is not set up again.
"""

import sys

if sys.version_info < (3, 10):  # before anything is imported that an old Python cannot read
    sys.exit(
        f"synetune_lab needs Python 3.10 or newer; this is Python {sys.version.split()[0]} "
        f"({sys.executable}).\nRun this script with a newer one, for example: "
        f"python3.12 {sys.argv[0]}"
    )

import argparse

from _setup import browser, environment, frontend, runner
from _setup.steps import SetupError, Steps

PARTS = ("style", "python", "typescript", "browser", "cloud")


def main() -> int:
    """Set up, run the parts, and print how each of them ended."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run")
    parser.add_argument("--fix", action="store_true", help="repair style and formatting first")
    options = parser.parse_args()

    needs_browser = not {"browser", "cloud"}.isdisjoint(options.only)
    steps = Steps(total=3 + needs_browser + ("cloud" in options.only))
    environment.ensure(steps, extras=("dev",))
    frontend.ensure(steps)
    chromium = None
    if needs_browser:
        with steps.step("Browser") as step:
            chromium = browser.ensure(step)
    if options.fix:
        runner.repair()
    outcomes = runner.run({*options.only} - {"cloud"}, chromium)
    if "cloud" in options.only:
        # Only now: all else has to pass without what this part needs.
        environment.ensure(steps, extras=("dev", "dev-cloud"))
        outcomes += runner.run({"cloud"}, chromium)
    return runner.sum_up(outcomes)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SetupError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")
