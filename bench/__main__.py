"""Running benchmarks by name, printing them and writing them down."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import django
from _campushub.console import Problem, say, warn
from django.db import connection

from bench.place import Place
from bench.report import Result, median, table

#: Name → module and function. Imported late: they need the settings of the place.
BENCHMARKS = {
    "scan": ("bench.scans", "scan", "each scan a new record, beside pgbench doing the same transaction"),
    "scan-repeat": ("bench.scans", "scan_repeat", "scans of what is recorded already: nothing is written"),
    "scan-plain": (
        "bench.scans",
        "scan_plain",
        "scans through Django and DRF, without the gate, beside a first try",
    ),
    "scan-restart": ("bench.faults", "scan_restart", "PostgreSQL killed and started again under load"),
    "bulk": (
        "bench.marks",
        "bulk",
        "a class of 60 marked by hand in one request, beside pgbench doing the same",
    ),
    "summary": ("bench.figures", "summary", "students who look at their percentages, beside pgbench"),
    "openclose": (
        "bench.life",
        "open_close",
        "classes of 60 opened and closed, beside pgbench doing the same",
    ),
    "together": ("bench.together", "together", "scans, marks, percentages, opening and closing all at once"),
    "closing": ("bench.life", "closing", "a day of 2,000 classes closed by the clock"),
    "recompute": ("bench.figures", "recompute", "all percentages computed anew from the records"),
    "reader": ("bench.readers", "reader", "10,000 lines that a reader has kept, told in one go"),
    "retention": ("bench.retention", "retention", "a year of marks dropped while others write"),
    "export": ("bench.export", "export", "all records as CSV in a stream, 200,000 as a spreadsheet by a job"),
    "live-push": ("bench.push", "live_push", "from a scan to the class screens: 500 streams, 1,000 scans/s"),
}


def main(arguments: list[str]) -> int:
    chosen = _parser().parse_args(arguments)
    place = Place()
    with place.running():
        os.environ.update(place.environment())
        django.setup()
        results = [
            result
            for name in chosen.names
            for result in _measured(place, name, seconds=chosen.seconds, rows=chosen.rows, runs=chosen.runs)
        ]
    say("")
    say(table(results))
    if chosen.json:
        chosen.json.write_text(json.dumps([result.as_json() for result in results], indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:14}{what}" for name, (_module, _function, what) in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="bin/bench",
        description=f"Measure the site on private servers, with fsync on:\n{listed}",
        epilog="Example: bin/bench scan scan-repeat --rows 5000000 --runs 5 --json figures.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="+", choices=BENCHMARKS, metavar="NAME")
    parser.add_argument("--seconds", type=_positive, default=10, metavar="N", help="of each measurement (10)")
    parser.add_argument(
        "--rows", type=_positive, default=100_000, metavar="N", help="records there at the start (100000)"
    )
    parser.add_argument(
        "--runs", type=_positive, default=1, metavar="N", help="take the median of so many (1)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    return parser


def _positive(text: str) -> int:
    number = int(text.replace("_", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("a number from 1 on")
    return number


def _measured(place: Place, name: str, *, seconds: int, rows: int, runs: int) -> list[Result]:
    """What a benchmark measures is one thing, or several at once; of each the median of the runs."""
    module, function, what = BENCHMARKS[name]
    measure: Callable[..., Result | list[Result]] = getattr(import_module(module), function)
    say(f"{name}: {what} …")
    results = []
    for number in range(runs):
        # Of a benchmark that called services in this process: its database goes.
        connection.close()
        place.fresh_database(rows)
        measured = measure(place, seconds=seconds, rows=rows)
        results.append(measured if isinstance(measured, list) else [measured])
        if runs > 1:
            rates = ", ".join(f"{result.rate:,.0f}/s" for result in results[-1])
            say(f"  run {number + 1}: {rates}")
    return [median(of_one) for of_one in zip(*results, strict=True)]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        warn(f"bin/bench: {problem}")
        sys.exit(1)
