"""`bin/bench NAME…`: the benchmarks, in the prepared environment."""

from __future__ import annotations

import os

from . import environment, processes
from .layout import PYTHON, ROOT


def main(arguments: list[str]) -> int:
    environment.prepare()
    paths = os.pathsep.join([str(ROOT), str(ROOT / "bin")])
    return processes.run(
        [PYTHON, "-m", "bench", *arguments], env={**os.environ, "PYTHONPATH": paths}, cwd=ROOT
    )
