"""The one way to Redis (or Valkey), which holds only what may be lost.

Timeouts are short, and after a failure nobody asks again for a few seconds, so that requests do not queue up
behind a server that is away: every caller has a way to go on without it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import redis
from django.conf import settings

T = TypeVar("T")

CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 0.5
#: So long nobody asks a server that did not answer.
PAUSE_SECONDS = 3.0

_lock = threading.Lock()
_clients: dict[tuple[int, str], redis.Redis] = {}
_away_until = 0.0


class RedisAway(Exception):
    """Redis does not answer, or did not a moment ago."""


def client() -> redis.Redis:
    """This process's connection pool. A fork gets its own."""
    key = (os.getpid(), settings.REDIS_URL)
    with _lock:
        if key not in _clients:
            _clients[key] = redis.Redis.from_url(
                settings.REDIS_URL,
                socket_connect_timeout=CONNECT_SECONDS,
                socket_timeout=ANSWER_SECONDS,
                health_check_interval=30,
            )
        return _clients[key]


def run(command: Callable[[redis.Redis], T]) -> T:
    """What `command` returns, given the client. Raises RedisAway, at once while a failure is fresh."""
    global _away_until
    if time.monotonic() < _away_until:
        raise RedisAway("Redis did not answer a moment ago.")
    try:
        return command(client())
    except (redis.RedisError, OSError) as error:
        _away_until = time.monotonic() + PAUSE_SECONDS
        raise RedisAway(type(error).__name__) from error


def forget_failure() -> None:
    """Ask again at once: for whoever knows that the server is back."""
    global _away_until
    _away_until = 0.0
