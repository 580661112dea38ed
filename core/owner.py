"""A connection as the role that owns the tables, for the few things that only it may do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections


@contextmanager
def connect() -> Iterator[psycopg.Connection]:
    """A psycopg connection of its own to the same database, in autocommit. Raises psycopg.Error."""
    own = settings.OWNER_DATABASE
    with psycopg.connect(
        host=own["HOST"],
        port=own["PORT"] or None,
        user=own["USER"],
        password=own["PASSWORD"],
        dbname=connection.settings_dict["NAME"],
        connect_timeout=5,
        autocommit=True,
    ) as owner:
        yield owner


@contextmanager
def acting() -> Iterator[None]:
    """Inside the block this thread's Django connection is the owner's, so that services and models work as usual.

    A connection of its own: what the application's connection holds open (a lock, a transaction) stays as it is.
    """
    application = connections[DEFAULT_DB_ALIAS]
    own = application.copy()
    own.settings_dict.update(
        {name: settings.OWNER_DATABASE[name] for name in ("HOST", "PORT", "USER", "PASSWORD")}
    )
    connections[DEFAULT_DB_ALIAS] = own
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = application
        own.close()


def analyze() -> None:
    """Tell the planner how large the tables have become, rather than wait until it notices."""
    with connect() as owner:
        owner.execute("ANALYZE")
