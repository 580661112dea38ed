"""How often somebody may do something: rates, and counting by a sliding window.

A window of the rate's length slides over time; what the last aligned window counted weighs as much as the
sliding one still overlaps it. Memory per key is two numbers, and no more than the limit passes in any window of
evenly spread requests. Refused requests do not count.

Two counters obey the same arithmetic: one in Redis, shared by all processes, and one per process, which takes
over when Redis is away and alone decides about scans (see `api/throttling.py`).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import redis
from django.conf import settings

from core import redis as store

DEFAULT_RATES = {
    "login": "10/min",
    "refresh": "60/min",
    "scan": "30/min",
    "bulk": "60/min",
    "export": "10/h",
    "reader": "300/min",
    "user": "600/min",
}

#: In the WSGI environment of a request that was counted before Django got it: the scope under which it was.
COUNTED = "campushub.counted"

_PERIODS = {"s": 1, "sec": 1, "min": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}


@dataclass(frozen=True, slots=True)
class Rate:
    """`limit` per `period` seconds."""

    limit: int
    period: int


@lru_cache(maxsize=64)
def parse(text: str) -> Rate:
    """``30/min`` as a Rate. Raises ValueError for anything else than ``<number>/<s|min|h|d>``."""
    number, _, period = text.partition("/")
    if not number.isdigit() or int(number) < 1 or period not in _PERIODS:
        raise ValueError(f"a rate looks like 30/min or 10/h, not “{text}”")
    return Rate(int(number), _PERIODS[period])


def rate_of(scope: str) -> Rate:
    """The rate of a scope: the setting's, else the default; a scope that nobody set counts like ``user``."""
    rates = DEFAULT_RATES | settings.CAMPUSHUB_THROTTLE_RATES
    return parse(rates.get(scope) or rates["user"])


class InProcessLimiter:
    """Counts in this process's memory. Thread-safe; holds at most `max_keys` keys.

    `clock` gives seconds that never go back.
    """

    def __init__(
        self, rate: Rate, *, max_keys: int = 100_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate = rate
        self.max_keys = max_keys
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[object, tuple[int, int, int]] = {}

    def hit(self, key: object) -> float:
        """Count one attempt: 0.0 when it may pass, else the seconds to wait until the next one may."""
        limit, period = self.rate.limit, self.rate.period
        with self._lock:
            window, elapsed = divmod(self._clock(), period)
            previous, current = self._read(key, int(window))
            wait = _wait(limit, period, elapsed, previous, current)
            if wait == 0.0:
                if len(self._counts) >= self.max_keys and key not in self._counts:
                    self._make_room(int(window))
                self._counts[key] = (int(window), previous, current + 1)
            return wait

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._counts.clear()

    def __len__(self) -> int:
        return len(self._counts)

    def _read(self, key: object, window: int) -> tuple[int, int]:
        seen, previous, current = self._counts.get(key, (window, 0, 0))
        if seen == window:
            return previous, current
        return (current, 0) if seen == window - 1 else (0, 0)

    def _make_room(self, window: int) -> None:
        """Drop what has no weight any more; if everything has, the older half."""
        for key in [key for key, (seen, _, _) in self._counts.items() if seen < window - 1]:
            del self._counts[key]
        if len(self._counts) >= self.max_keys:
            for key in list(self._counts)[: self.max_keys // 2 + 1]:
                del self._counts[key]


def _wait(limit: int, period: int, elapsed: float, previous: int, current: int) -> float:
    """Seconds until ``previous × (1 - elapsed/period) + current + 1 <= limit``; 0.0 when it holds now."""
    if previous * (1 - elapsed / period) + current + 1 <= limit:
        return 0.0
    if current + 1 > limit:
        # Only in the next window, whose predecessor this one will be.
        return period - elapsed + period * max(0.0, 1 - (limit - 1) / current)
    return max(0.001, period * (1 - (limit - 1 - current) / previous) - elapsed)


#: KEYS[1] the counter; ARGV: limit, period in milliseconds. Returns the milliseconds to wait, 0 to pass.
#: One script is one step for Redis: no two requests can both see the last free place.
_SCRIPT = """
local limit, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local window, elapsed = math.floor(now / period), now % period
local row = redis.call('HMGET', KEYS[1], 'w', 'p', 'c')
local seen, previous, current = tonumber(row[1] or window), tonumber(row[2] or 0), tonumber(row[3] or 0)
if seen == window - 1 then previous, current = current, 0
elseif seen ~= window then previous, current = 0, 0 end
if previous * (1 - elapsed / period) + current + 1 <= limit then
    redis.call('HSET', KEYS[1], 'w', window, 'p', previous, 'c', current + 1)
    redis.call('PEXPIRE', KEYS[1], 2 * period)
    return 0
end
if current + 1 > limit then
    return math.ceil(period - elapsed + period * math.max(0, 1 - (limit - 1) / current))
end
return math.max(1, math.ceil(period * (1 - (limit - 1 - current) / previous) - elapsed))
"""


def hit_shared(scope: str, key: str) -> float:
    """Count one attempt for all processes together, in Redis; in this process alone while Redis is away.

    0.0 when it may pass, else the seconds to wait.
    """
    rate = rate_of(scope)
    try:
        milliseconds = store.run(lambda client: _run_script(client, f"throttle:{scope}:{key}", rate))
    except store.RedisAway:
        return local(scope).hit(key)
    return milliseconds / 1000


def local(scope: str) -> InProcessLimiter:
    """This process's limiter of a scope: the same one for whoever asks, so that two paths share one count."""
    return _local(scope, rate_of(scope))


def forget_local() -> None:
    """Start counting anew in this process."""
    _local.cache_clear()


@lru_cache(maxsize=64)
def _local(scope: str, rate: Rate) -> InProcessLimiter:
    return InProcessLimiter(rate)


def _run_script(client: redis.Redis, key: str, rate: Rate) -> int:
    # register_script sends the hash, and the text only to a server that does not know it yet.
    return int(client.register_script(_SCRIPT)(keys=[key], args=[rate.limit, rate.period * 1000]))


def retry_after(seconds: float) -> int:
    """Whole seconds for a Retry-After header, never 0."""
    return max(1, math.ceil(seconds))
