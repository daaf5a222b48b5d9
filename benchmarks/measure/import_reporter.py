"""Seconds that `from PACKAGE import Reporter` adds to the start of Python (median of 9)."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time


def run(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start


def main(package: str) -> None:
    code = f"from {package} import Reporter"
    run(code)
    bare = statistics.median(run("pass") for _ in range(9))
    loaded = statistics.median(run(code) for _ in range(9))
    print(json.dumps({"s": loaded - bare}))


if __name__ == "__main__":
    main(sys.argv[1])
