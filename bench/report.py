"""Results: what is measured, beside what, on which machine."""

from __future__ import annotations

import os
import platform
import re
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    """One benchmark. Rates are per second, times milliseconds; `rows_checked` rows were found as acknowledged."""

    name: str
    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    rows_checked: int
    rows_at_start: int
    baseline_name: str = ""
    baseline_rate: float = 0.0
    runs: Sequence[Result] = ()
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return round(self.rate / self.baseline_rate, 3) if self.baseline_rate else None

    def as_json(self) -> dict[str, Any]:
        """``{name, rate, p50_ms, p95_ms, p99_ms, baseline: {name, rate}, ratio, rows_checked, …, machine}``."""
        plain = asdict(self)
        baseline = {"name": plain.pop("baseline_name"), "rate": round(plain.pop("baseline_rate"), 1)}
        plain |= {name: round(value, 2) for name, value in plain.items() if isinstance(value, float)}
        return plain | {
            "baseline": baseline if self.baseline_rate else None,
            "ratio": self.ratio,
            "runs": [run.as_json() | {"machine": None, "runs": None} for run in self.runs],
            "machine": machine(),
        }


def median(results: Sequence[Result]) -> Result:
    """The median of several runs, figure by figure; all of them are kept with it."""
    if len(results) == 1:
        return results[0]

    def of(name: str) -> float:
        return statistics.median(getattr(result, name) for result in results)

    # The ratio is the median of the runs' ratios, each of which was measured in one go.
    rate, ratios = of("rate"), [result.ratio for result in results if result.ratio]
    return Result(
        name=results[0].name,
        rate=rate,
        p50_ms=of("p50_ms"),
        p95_ms=of("p95_ms"),
        p99_ms=of("p99_ms"),
        rows_checked=sum(result.rows_checked for result in results),
        rows_at_start=results[0].rows_at_start,
        baseline_name=results[0].baseline_name,
        baseline_rate=rate / statistics.median(ratios) if ratios else 0.0,
        runs=results,
        notes=results[-1].notes,
    )


def table(results: Sequence[Result]) -> str:
    """The results for people."""
    lines = [f"{'':14}{'per s':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'rows':>10}   beside"]
    for result in results:
        beside = (
            f"{result.baseline_name}: {result.baseline_rate:,.0f}/s, ratio {result.ratio:.2f}"
            if result.ratio
            else ""
        )
        lines.append(
            f"{result.name:14}{result.rate:>9,.0f}{result.p50_ms:>9.1f}{result.p95_ms:>9.1f}"
            f"{result.p99_ms:>9.1f}{result.rows_checked:>10,}   {beside}"
        )
        lines += [f"{'':14}{name}: {value}" for name, value in result.notes.items()]
    return "\n".join(lines)


@lru_cache(maxsize=1)
def machine() -> dict[str, Any]:
    """What it was measured on."""
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return {
        "processor": processor[1] if processor else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(memory[1]) / 2**20, 1) if memory else None,
        "system": platform.platform(),
        "python": platform.python_version(),
    }
