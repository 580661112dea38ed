"""Worlds made once for many tests: to make one takes longer than most tests that look at it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from core import clock


@contextlib.contextmanager
def taken_back(blocker: Any, now: datetime) -> Iterator[None]:
    """A transaction for fixtures that outlive a test: what is made in it is there in all of their tests, then gone.

    The tests' own transactions are savepoints of it, as long as they do not commit (``transactional_db``), and begin
    with what was made. Model instances kept from it are shared: whoever changes one in memory copies it first.
    """
    with blocker.unblock():
        outermost = transaction.atomic()
        # The tests' own is not durable either; Django tells the two apart by this mark.
        outermost._from_testcase = True  # type: ignore[attr-defined] # Django sets it so too
        with outermost:
            with clock.frozen(now):
                yield
            transaction.set_rollback(True)
