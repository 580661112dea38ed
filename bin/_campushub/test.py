"""`bin/test`: every check and the whole test suite, on servers of its own."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from . import environment, locks, processes, system
from .console import Problem, say, warn
from .layout import PYTHON, ROOT, State
from .servers import Servers

# Per cent that the whole suite has to cover. Raise these as cover grows, never lower them.
LINES, BRANCHES = 90.0, 85.0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bin/test",
        allow_abbrev=False,
        description="Check the code and run all tests. Other arguments go to pytest, which then runs alone.",
        epilog="Example: bin/test tests/attendance -k close",
    )
    parser.add_argument(
        "--deep", action="store_true", help="also run long property, fuzz, fault and soak tests"
    )
    parser.add_argument(
        "--install", action="store_true", help="only prove first starts, in throw-away clones"
    )
    chosen, rest = parser.parse_known_args(arguments)
    environment.prepare(development=True)
    with _servers() as servers:
        variables = _variables(servers, deep=chosen.deep)
        if chosen.install:
            return _pytest("-m", "install", "-v", "tests/install", *rest, variables=variables)
        if rest:
            return _pytest(*_markers(chosen.deep), *rest, variables=variables)
        return _everything(servers.state, variables, deep=chosen.deep)


@contextlib.contextmanager
def _servers() -> Iterator[Servers]:
    """PostgreSQL and Valkey with nothing in them, in a state folder that no other test run uses."""
    with contextlib.ExitStack() as stack:
        for number in range(1, 9):
            state = State.at(ROOT / "var" / f"test-{number}")
            state.prepare()
            try:
                stack.enter_context(locks.only_one(state, "bin/test"))
                break
            except Problem:
                continue
        else:
            raise Problem("Eight test runs are already at work in this checkout: wait for one to end.")
        servers = Servers(state, configured={})
        _empty(servers)
        stack.callback(_empty, servers)
        servers.start_missing(linked=True)
        yield servers


def _empty(servers: Servers) -> None:
    """Stop the servers and remove their data."""
    servers.stop()
    for server in servers.embedded():
        shutil.rmtree(server.data, ignore_errors=True)


def _variables(servers: Servers, *, deep: bool) -> dict[str, str]:
    """The environment of the tests: nothing of the caller's settings, so that all runs are alike."""
    variables = {**os.environ, **servers.environment("test")}
    for name in ("PUBLIC_URL", "LIVE_URL", "CLOCK_SHIFT_SECONDS", "CAMPUSHUB_DB_ROLE", "THROTTLE_RATES"):
        variables.pop(name, None)
    if browser := system.browser() or system.install_browser():
        variables["CHROMIUM"] = browser
    else:
        warn("No Chromium was found, so the browser tests will fail: as root, apt-get install chromium.")
    system.offer_pdf()
    if deep:
        variables["CAMPUSHUB_DEEP"] = "1"
    return variables


def _markers(deep: bool) -> list[str]:
    return ["-m", "not install"] if deep else []


def _everything(state: State, variables: Mapping[str, str], *, deep: bool) -> int:
    """All checks, then all tests; every step runs even when one before it failed. Returns 0 or 1."""
    report, results = state.path / "coverage.json", state.path / "results.xml"
    for old in (report, results):
        old.unlink(missing_ok=True)
    pytest = [
        # In small portions: large ones left one process idle while the other had all the slow tests before it.
        "-n", str(max(2, min(os.cpu_count() or 2, 4))), "--maxschedchunk", "4",
        *_markers(deep), f"--junitxml={results}",
        "--cov", "--cov-report=", f"--cov-report=json:{report}",
    ]  # fmt: skip
    steps: list[tuple[str, Callable[[], int]]] = [
        ("lint", lambda: _run("-m", "ruff", "check", variables=variables)),
        ("format", lambda: _run("-m", "ruff", "format", "--check", "--quiet", variables=variables)),
        ("types", lambda: _run("-m", "mypy", variables=variables)),
        (
            "imports",
            lambda: _run(
                "-c",
                "from importlinter.cli import lint_imports_command; lint_imports_command()",
                variables=variables,
            ),
        ),
        (
            "migrations",
            lambda: _run("manage.py", "makemigrations", "--check", "--dry-run", variables=variables),
        ),
        ("schema", lambda: _schema(state, variables)),
        ("deployment", lambda: _deployment(variables)),
        ("tests", lambda: _pytest(*pytest, variables=variables)),
        ("coverage", lambda: _coverage(report)),
    ]
    failed = []
    for name, step in steps:
        say(f"── {name} " + "─" * (70 - len(name)))
        begun = time.monotonic()
        if step():
            failed.append(name)
        say(f"   {'failed' if name in failed else 'passed'} in {time.monotonic() - begun:.0f} s")
    for line in _failures(results):
        warn(line)
    if failed:
        warn(f"bin/test: failed: {', '.join(failed)}.")
        return 1
    say("bin/test: all passed.")
    return 0


def _pytest(*arguments: str, variables: Mapping[str, str]) -> int:
    return _run("-m", "pytest", *arguments, variables=variables)


def _run(*command: str, variables: Mapping[str, str]) -> int:
    return processes.run([PYTHON, *command], env=variables, cwd=ROOT)


def _schema(state: State, variables: Mapping[str, str]) -> int:
    """The API's schema has no warning and is the one in docs/."""
    made, kept = state.path / "openapi.yaml", ROOT / "docs" / "openapi.yaml"
    command = ("manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", str(made))
    if status := _run(*command, variables=variables):
        return status
    if not kept.exists() or made.read_bytes() != kept.read_bytes():
        warn("docs/openapi.yaml is not this code's schema: bin/manage spectacular --file docs/openapi.yaml")
        return 1
    return 0


def _deployment(variables: Mapping[str, str]) -> int:
    """Django's own check of settings, with those of production."""
    production = {
        **variables,
        "CAMPUSHUB_ENV": "production",
        "PUBLIC_URL": "https://campus.example.edu",
        "LIVE_URL": "https://campus.example.edu",
        "ALLOWED_HOSTS": "campus.example.edu",
    }
    return _run("manage.py", "check", "--deploy", "--fail-level", "WARNING", variables=production)


def _failures(results: Path) -> Iterator[str]:
    """The tests that failed, each with the first line of why: printed last, where nobody has to look for them."""
    if not results.exists():
        return
    for case in ET.parse(results).iter("testcase"):  # noqa: S314 - pytest wrote it a moment ago
        for kind in ("failure", "error"):
            if (found := case.find(kind)) is not None:
                why = next(iter(found.get("message", "").splitlines()), "")
                yield f"{case.get('classname')}::{case.get('name')}: {kind}: {why[:300]}"


def _coverage(report: Path) -> int:
    """Lines and branches are covered well enough."""
    if not report.exists():
        warn("The tests ended without a coverage report.")
        return 1
    totals: Mapping[str, int] = json.loads(report.read_text())["totals"]
    figures = [
        ("lines", totals["covered_lines"], totals["num_statements"], LINES),
        ("branches", totals["covered_branches"], totals["num_branches"], BRANCHES),
    ]
    missed = False
    for name, covered, total, wanted in figures:
        share = 100 * covered / total if total else 100.0
        missed = missed or share < wanted
        say(f"   {name}: {share:.1f} % of {total} (at least {wanted:.0f} %)")
    return 1 if missed else 0
