"""Clones for root and for an ordinary user, each set up once for all tests that start it."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.clones import Clone, Person

AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="session")
def somewhere() -> Iterator[Path]:
    """A folder that every user can enter; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="campushub-install-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def ordinary() -> Iterator[Person]:
    """An ordinary user: a new one when we are root, else ourselves."""
    if not AS_ROOT:
        yield Person(pwd.getpwuid(os.geteuid()).pw_name)
        return
    name = f"campus{secrets.token_hex(3)}"
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", name], check=True)
    yield Person(name)
    subprocess.run(["userdel", "--remove", "--force", name], check=True, capture_output=True)


@pytest.fixture(scope="session")
def users_clone(somewhere: Path, ordinary: Person) -> Iterator[Clone]:
    clone = Clone.make(somewhere / "users", ordinary)
    yield clone
    clone.remove()


@pytest.fixture(scope="session")
def roots_clone(somewhere: Path) -> Iterator[Clone]:
    if not AS_ROOT:
        pytest.skip("root's half needs root")
    clone = Clone.make(somewhere / "roots", Person("root"))
    yield clone
    clone.remove()


@pytest.fixture(scope="session", params=["root", "user"])
def clone(request: pytest.FixtureRequest) -> Clone:
    """One clone of root's and one of an ordinary user's."""
    found: Clone = request.getfixturevalue("roots_clone" if request.param == "root" else "users_clone")
    return found
