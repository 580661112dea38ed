"""`bin/run` in a bare clone, as root and as an ordinary user, with both kinds of PostgreSQL."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.install.clones import NEXT_START, Clone, Running, wait_for

pytestmark = pytest.mark.install

SYSTEM_POSTGRES = any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


@pytest.fixture(
    scope="session",
    params=[
        pytest.param("system", marks=pytest.mark.skipif(not SYSTEM_POSTGRES, reason="no PostgreSQL here")),
        "wheel",
    ],
)
def var(request: pytest.FixtureRequest, clone: Clone) -> str:
    """The name of a state folder whose cluster belongs to the machine's PostgreSQL, or to the wheel's.

    The clone is started here for the first time, or for the first time with that PostgreSQL.
    """
    name = "var" if request.param == "system" else "var-wheel"
    with clone.running("--var", name, CAMPUSHUB_POSTGRES=request.param) as site:
        programs = next(command for command in clone.processes().values() if "/bin/postgres -D" in command)
        assert ("/usr/" in programs.split()[0]) == (request.param == "system")
        assert "demo-campus" in site.text
    return name


def test_a_started_site_answers_on_both_addresses(clone: Clone, var: str) -> None:
    with clone.running("--var", var) as site:
        assert site.get("/healthz") == 200
        assert site.get("/readyz") == 200
        assert site.get("/login/") == 200
        assert site.get("/live/", port=_live_port(clone, var)) < 500


def test_beat_sends_tasks_and_the_worker_does_them(clone: Clone, var: str) -> None:
    log = clone.path / var / "log" / "worker.log"
    with clone.running("--var", var):
        before = log.stat().st_size
        assert wait_for(lambda: "task=core.relay_outbox" in log.read_text()[before:], seconds=60), (
            clone.last_words()
        )


def test_a_second_start_is_quick_and_keeps_the_data(clone: Clone, var: str) -> None:
    with clone.running("--var", var):
        people = clone.people(var)
    with clone.running("--var", var) as site:
        assert site.seconds < NEXT_START
        assert clone.people(var) == people > 0


def test_ctrl_c_leaves_no_process_behind(clone: Clone, var: str) -> None:
    with clone.running("--var", var) as site:
        assert len(clone.processes()) > 8
        assert site.press_ctrl_c() == 0
    assert clone.processes() == {}


def test_a_killed_supervisor_leaves_no_process_behind(clone: Clone, var: str) -> None:
    with clone.running("--var", var) as site:
        site.process.kill()
        site.process.wait()
        assert wait_for(lambda: not clone.processes(), seconds=60), clone.processes()


def test_after_everything_was_killed_the_next_start_recovers(clone: Clone, var: str) -> None:
    with clone.running("--var", var) as site:
        people = clone.people(var)
        clone.kill_everything()
        site.process.wait()
    with clone.running("--var", var) as site:
        assert site.seconds < 2 * NEXT_START
        assert site.get("/readyz") == 200
        assert clone.people(var) == people


@pytest.mark.parametrize("part", ["granian", "uvicorn", "celery", "valkey-server", "/bin/postgres -D"])
def test_a_part_that_is_killed_comes_back(clone: Clone, part: str) -> None:
    with clone.running() as site:
        for pid in [pid for pid, command in clone.processes().items() if part in command]:
            os.kill(pid, signal.SIGKILL)
        assert wait_for(lambda: "starts again" in site.text, seconds=30)
        assert wait_for(lambda: _is_up(site), seconds=60), site.text


def test_a_second_run_of_the_same_site_is_refused_in_one_sentence(clone: Clone) -> None:
    with clone.running():
        refused = clone.command("bin/run")
    assert refused.returncode == 1
    assert re.fullmatch(r"bin/run: bin/run \(process \d+\) already runs with .*\n", refused.stderr)


def test_manage_starts_the_servers_it_needs_and_stops_them(clone: Clone) -> None:
    assert clone.people() > 0
    assert clone.processes() == {}


def test_reset_demo_starts_over(users_clone: Clone) -> None:
    with users_clone.running():
        before = users_clone.people()
        add = (
            "from django.contrib.auth import get_user_model as m;"
            " m().objects.create(username='passer-by', role='superuser')"
        )
        assert users_clone.command("bin/manage", "shell", "--verbosity", "0", "-c", add).returncode == 0
        assert users_clone.people() == before + 1
    with users_clone.running("--reset-demo"):
        assert users_clone.people() == before


def test_without_the_demo_the_site_is_empty_and_says_how_to_begin(users_clone: Clone) -> None:
    with users_clone.running("--no-demo", "--var", "var-empty") as site:
        assert "create_school" in site.text
        assert "demo-campus" not in site.text
        assert users_clone.people("var-empty") == 0


def test_two_clones_run_side_by_side(roots_clone: Clone, users_clone: Clone) -> None:
    with roots_clone.running() as first, users_clone.running() as second:
        assert first.port != second.port
        assert first.get("/readyz") == second.get("/readyz") == 200
        first.press_ctrl_c()
        assert second.get("/readyz") == 200


def _live_port(clone: Clone, var: str) -> int:
    command = next(command for command in clone.processes().values() if "uvicorn" in command)
    found = re.search(r"--port (\d+)", command)
    assert found, command
    return int(found[1])


def _is_up(site: Running) -> bool:
    try:
        return site.get("/readyz") == 200
    except OSError:
        return False
