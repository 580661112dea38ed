"""The benchmarks stand on the site's own statements: they have to find them where they are now."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import bench

_MODULES = sorted(path.stem for path in Path(bench.__path__[0]).glob("*.py") if path.stem != "__main__")


@pytest.mark.parametrize("name", _MODULES)
def test_every_benchmark_can_be_loaded(name: str) -> None:
    """Loading one fills the values of its own into the statements that it runs with pgbench."""
    assert import_module(f"bench.{name}").__doc__
