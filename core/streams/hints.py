"""Listening for announcements: in Redis and in PostgreSQL at once, each connected again when it breaks.

Announcements go through Redis, and through PostgreSQL while Redis is away (`core.live`); who listens to both needs
not know which it is at the moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psycopg
import redis.asyncio
import structlog
from django.conf import settings
from django.db import connection
from redis.exceptions import RedisError

from core.live import CHANNEL

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
#: A server that says nothing for so long is asked whether it is still there.
SILENCE_SECONDS = 15.0

_ADDRESS = {"host", "port", "user", "password", "dbname", "connect_timeout", "sslmode", "sslrootcert"}


@dataclass(frozen=True, slots=True)
class Listener:
    """What to do with announcements: `changed` gets the message; `lost` means that some may not have been heard."""

    changed: Callable[[str], None]
    lost: Callable[[], None]


async def listen(listener: Listener) -> None:
    """Pass announcements on until cancelled."""
    async with asyncio.TaskGroup() as both:
        both.create_task(_for_ever(_from_redis, listener))
        both.create_task(_for_ever(_from_postgres, listener))


async def _for_ever(source: Callable[[Listener], Awaitable[None]], listener: Listener) -> None:
    """Listen again whenever the source fails, with growing pauses."""
    pause = FIRST_PAUSE

    def connected() -> None:
        nonlocal pause
        pause = FIRST_PAUSE
        listener.lost()

    while True:
        try:
            await source(Listener(listener.changed, connected))
        except (RedisError, psycopg.Error, OSError) as error:
            log.warning("live_source_lost", source=source.__name__, reason=type(error).__name__)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


async def _from_redis(listener: Listener) -> None:
    client = redis.asyncio.from_url(settings.REDIS_URL, socket_connect_timeout=5)
    async with client, client.pubsub() as subscription:
        await subscription.subscribe(CHANNEL)
        listener.lost()
        while True:
            message = await subscription.get_message(ignore_subscribe_messages=True, timeout=SILENCE_SECONDS)
            if message is None:
                await subscription.ping()
            elif message["type"] == "message":
                listener.changed(message["data"].decode())


async def _from_postgres(listener: Listener) -> None:
    known = {name: value for name, value in connection.get_connection_params().items() if name in _ADDRESS}
    async with await psycopg.AsyncConnection.connect(
        **known, autocommit=True, application_name="campushub live"
    ) as line:
        await line.execute(f"LISTEN {CHANNEL}")
        listener.lost()
        while True:
            async for notice in line.notifies(timeout=SILENCE_SECONDS):
                listener.changed(notice.payload)
            await line.execute("SELECT 1")
