"""The embedded PostgreSQL and Valkey: what they grant, what they keep, how they come back."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from _campushub import processes
from _campushub.layout import State
from _campushub.servers import Servers


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    # Not in pytest's own folder: the unprivileged user that PostgreSQL runs as could not enter it.
    folder = Path(tempfile.mkdtemp(prefix="campushub-servers-", dir="/var/tmp"))
    folder.chmod(0o755)
    servers = Servers(State.at(folder), configured={})
    servers.start_missing(linked=True)
    yield servers
    servers.stop()
    shutil.rmtree(folder)


def url(servers: Servers, name: str) -> str:
    return servers.environment()[name]


def test_the_application_owns_nothing_and_creates_nothing(servers: Servers) -> None:
    with psycopg.connect(url(servers, "DATABASE_URL"), autocommit=True) as connection:
        for statement in ("CREATE TABLE t (id int)", "CREATE DATABASE d", "CREATE ROLE r", "CREATE SCHEMA s"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_the_owner_creates_tables_extensions_and_test_databases(servers: Servers) -> None:
    with psycopg.connect(url(servers, "DATABASE_OWNER_URL"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION btree_gist")
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (17)")
        connection.execute("CREATE DATABASE other")
        connection.execute("DROP DATABASE other")


def test_commits_reach_the_disk(servers: Servers) -> None:
    with psycopg.connect(url(servers, "DATABASE_URL")) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)


def test_nobody_signs_in_without_a_password(servers: Servers) -> None:
    assert servers.postgres is not None
    for role in ("postgres", "campushub_owner", "campushub_app"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(servers.postgres.url(role, "wrong"))
    assert servers.valkey is not None
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=servers.valkey.port).ping()


def test_killed_servers_come_back_with_their_data(servers: Servers) -> None:
    redis.Redis.from_url(url(servers, "REDIS_URL")).set("kept", 17)
    before = url(servers, "DATABASE_URL")
    for server in servers.embedded():
        pid = server.pid()
        assert pid is not None
        # The file with the append-only log is synced every second; a kill loses nothing that was written.
        os.kill(pid, signal.SIGKILL)
        assert processes.wait_for(lambda pid=pid: not processes.alive(pid), seconds=20)
    servers.start_missing(linked=True)
    assert url(servers, "DATABASE_URL") == before
    with psycopg.connect(url(servers, "DATABASE_OWNER_URL")) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (17,)
    assert redis.Redis.from_url(url(servers, "REDIS_URL")).get("kept") == b"17"


def test_a_number_left_by_a_crash_that_now_belongs_to_another_process_does_no_harm(servers: Servers) -> None:
    assert servers.postgres is not None
    servers.stop()
    (servers.postgres.data / "postmaster.pid").write_text(f"{os.getpid()}\n")
    assert servers.postgres.pid() is None
    servers.start_missing(linked=True)
    assert servers.postgres.ready()
