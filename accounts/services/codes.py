"""First passwords to hand out on paper, for people who came in by a roster and cannot be reached by mail."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.models import User
from audit.services import entries
from core.ids import uuid7

#: Without letters that look alike in print. Twelve of them are 57 bits.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 3, 4
#: Whoever is stopped in the middle loses this many at most: their codes were made and not yet handed out.
BATCH = 50
#: Hashes at once: each keeps a core and 100 MiB of memory busy.
_HASHERS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Issued:
    username: str
    full_name: str
    code: str


def issue(*, users: Iterable[User], by: User | None, now: datetime) -> Iterator[Issued]:
    """Give each user a new random password, which is told here and nowhere else.

    Saved in batches, each told when it is saved: a hash is slow on purpose, so that a large school takes a while.
    The trail names whose password was set, never what it is.
    """
    operation = uuid7()
    batch: list[User] = []
    for user in users:
        batch.append(user)
        if len(batch) == BATCH:
            yield from _issue(batch, operation, by=by, now=now)
            batch = []
    if batch:
        yield from _issue(batch, operation, by=by, now=now)


@transaction.atomic
def _issue(users: list[User], ident: UUID, *, by: User | None, now: datetime) -> list[Issued]:
    issued = [Issued(user.username, user.full_name, new_code()) for user in users]
    with ThreadPoolExecutor(_HASHERS) as pool:
        hashes = pool.map(make_password, [one.code for one in issued])
    with entries.operation(by=by, at=now, ident=ident) as operation:
        for user, hashed in zip(users, hashes, strict=True):
            user.password = hashed
            operation.record("user.issue_code", user, school_id=user.school_id)
    User.objects.bulk_update(users, ["password"])
    return issued


def new_code() -> str:
    """Such as ``k7qf-2m9x-w4tz``."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
