"""What stops a start is said in one sentence that tells what to do."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.clones import NEXT_START, Clone, wait_for

pytestmark = pytest.mark.install


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port(users_clone: Clone, taken: int) -> None:
    done = users_clone.command("bin/run", "--port", str(taken))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"bin/run: Port {taken} is taken by another program: choose another one with --port.\n"
    )


def test_an_old_python(users_clone: Clone, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = users_clone.command("bin/run", CAMPUSHUB_PYTHON=str(old))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("CampusHub needs Python 3.11 or newer")
    assert done.stderr.count("\n") == 1


def test_a_database_that_does_not_answer(users_clone: Clone, taken: int) -> None:
    url = "postgres://a:b@127.0.0.1:1/c"
    done = users_clone.command("bin/run", "--var", "var-refused", DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "bin/run: Nothing answers at 127.0.0.1:1, where DATABASE_URL"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="hiding a library from one process needs root")
def test_a_missing_library_is_named_and_the_site_runs_without(users_clone: Clone) -> None:
    library = next(Path("/").glob("usr/lib/*/libharfbuzz-subset.so.0"), None)
    if library is None:
        pytest.skip("the library is missing on this machine anyway")
    user = users_clone.person.name
    hide = f"mount --bind /dev/null {library} && exec setpriv --reuid {user} --regid {user} --clear-groups"
    with users_clone.running():
        pass  # set up, so that the start below is a quick one
    site = users_clone.start(before=("unshare", "--mount", "sh", "-c", f'{hide} "$@"', "sh"))
    try:
        assert wait_for(lambda: "is ready after" in site.text, seconds=4 * NEXT_START), site.text
        lines = [line for line in site.text.splitlines() if "libharfbuzz-subset0" in line]
        assert lines == [
            "Certificates cannot be made until the system packages libharfbuzz-subset0 are installed "
            "(as root: apt-get install libharfbuzz-subset0); everything else works."
        ]
        assert site.get("/readyz") == 200
    finally:
        site.press_ctrl_c()


@pytest.mark.skipif(os.geteuid() != 0, reason="taking the network away needs root")
def test_a_start_after_the_first_needs_no_network(roots_clone: Clone) -> None:
    with roots_clone.running():
        pass
    site = roots_clone.start(before=("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"))
    try:
        assert wait_for(lambda: "is ready after" in site.text, seconds=2 * NEXT_START), site.text
    finally:
        site.press_ctrl_c()
