"""The bare database doing the same transaction: pgbench with the statements of the site."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from _campushub import postgres_programs
from _campushub.console import Problem

from attendance.services.scanning import SCAN_STATEMENT
from bench import data
from bench.place import Place

CLIENTS = 16

#: The same scan that the site would pass, made by the database from two numbers.
_SCANS = """json_build_array(json_build_object('ord', 0, 'session', bench.session_id(:session), 'school', 1,
    'generation', 1, 'captured_at', now(), 'user_id', :user::bigint, 'device', 'a' || md5(:user::text),
    'ip', '10.0.0.1', 'request_id', md5(:user::text), 'record', bench.uuid7(clock_timestamp()),
    'entry', bench.uuid7(clock_timestamp())))"""

_SCRIPT = f"""\\set n :first + {CLIENTS} * :i + :client_id
\\set i :i + 1
\\set student ((:n % {data.STUDENTS}) * {data.STRIDE}) % {data.STUDENTS}
\\set user {data.FIRST_USER} + :student
\\set session {data.FIRST_OPEN_SESSION} + (:n / {data.STUDENTS}) * {data.COHORTS} + :student / {data.CLASS_SIZE}
"""


@dataclass(frozen=True)
class Baseline:
    """What something else did in the same run: transactions, and how many of them per second."""

    transactions: int
    rate: float
    name: str = f"pgbench -M prepared -c {CLIENTS}"


def scans(place: Place, *, first: int, seconds: int) -> Baseline:
    """Scan with pgbench for so long. Raises Problem when it is missing or fails."""
    statement = SCAN_STATEMENT.replace("$1", _SCANS).replace("$2", "now()")
    return pgbench(place, _SCRIPT + one_line(statement), first=first, seconds=seconds)


def filled(statement: str, values: Mapping[str, str]) -> str:
    """A statement of the site with SQL in the place of each of its named parameters."""
    text = re.sub(r"%\((\w+)\)s", lambda found: values[found[1]], statement)
    return one_line(text.replace("%%", "%"))


def one_line(statement: str) -> str:
    """The statement as pgbench wants it."""
    return " ".join(re.sub(r"--[^\n]*", "", statement).split()) + ";\n"


def pgbench(place: Place, text: str, *, first: int, seconds: int, clients: int = CLIENTS) -> Baseline:
    """Run a script for so long with so many clients; it finds `first`, `clients`, `i` and `client_id`.

    Raises Problem when pgbench is missing or fails.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(text)
        script.flush()
        done = subprocess.run(
            [
                _program(place), "--no-vacuum", "--protocol=prepared", f"--client={clients}",
                f"--jobs={min(2, clients)}", f"--time={seconds}", f"--file={script.name}",
                f"--define=first={first}", f"--define=clients={clients}", "--define=i=0",
                place.application_url(),
            ],
            # The plan that the site's own connection uses.
            env={**os.environ, "PGOPTIONS": "-c plan_cache_mode=force_generic_plan"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    transactions = re.search(r"transactions actually processed: (\d+)", done.stdout)
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or transactions is None or rate is None:
        told = (done.stderr or done.stdout).strip().splitlines()
        raise Problem("pgbench failed: " + next((line for line in told if "ERROR" in line), told[-1]))
    return Baseline(int(transactions[1]), float(rate[1]))


def _program(place: Place) -> Path:
    """pgbench beside the server's own programs, else in PATH."""
    folder = postgres_programs.find(place.postgres.credentials, data=place.postgres.data).folder
    found = folder / "pgbench"
    if found.exists():
        return found
    elsewhere = shutil.which("pgbench")
    if elsewhere is None:
        raise Problem("pgbench is missing: install PostgreSQL's programs (apt-get install postgresql).")
    return Path(elsewhere)
