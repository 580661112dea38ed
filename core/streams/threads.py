"""Database work of an asynchronous process: in a few threads, each with a healthy connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections

T = TypeVar("T")

_pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="database")


async def in_thread(work: Callable[..., T], *arguments: object) -> T:
    """What `work(*arguments)` returns or raises; a connection that broke meanwhile is made anew first."""
    return await asyncio.get_running_loop().run_in_executor(_pool, _healthy, work, arguments)


def _healthy(work: Callable[..., T], arguments: tuple[object, ...]) -> T:
    # As at the beginning and the end of a request.
    close_old_connections()
    try:
        return work(*arguments)
    finally:
        close_old_connections()
