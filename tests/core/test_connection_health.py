"""Kept connections: one that the server ended is replaced before anybody notices, and asking costs no query."""

from __future__ import annotations

import select

import psycopg
import pytest
from django.db import OperationalError, close_old_connections, connection
from django.db.backends.signals import connection_created

from core import db

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other() -> psycopg.Connection[tuple[object, ...]]:
    """A second connection of the same role, which may look at and end those of its own role."""
    parameters = connection.get_connection_params()
    with psycopg.connect(**parameters | {"cursor_factory": psycopg.Cursor}, autocommit=True) as found:
        yield found


def backend() -> int:
    """The process of this connection; asking is its newest query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def between_requests() -> None:
    """What Django does at the end of a request; the next use of the connection is a new one's."""
    close_old_connections()


def test_a_connection_that_the_server_ended_is_replaced_before_its_next_query(
    other: psycopg.Connection,
) -> None:
    ended = backend()
    between_requests()
    other.execute("SELECT pg_terminate_backend(%s)", [ended])
    assert select.select([connection.connection.fileno()], [], [], 30)[0], "the server said goodbye"

    assert backend() != ended


def test_a_connection_that_lives_is_not_asked(other: psycopg.Connection) -> None:
    kept = backend()
    between_requests()

    with connection.cursor():
        (asked,) = other.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [kept]).fetchone()

    assert asked == "SELECT pg_backend_pid()"
    assert backend() == kept


def test_a_page_has_no_statement_that_runs_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "WEB_STATEMENT_SECONDS", 0.05)
    connection_created.connect(db.limit_statements)
    try:
        connection.close()
        with pytest.raises(OperationalError) as error, connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(10)")
    finally:
        connection_created.disconnect(db.limit_statements)
        connection.close()

    assert isinstance(db.refusal_of(error.value), db.DatabaseBusy)
