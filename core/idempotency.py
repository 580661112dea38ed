"""Requests that may safely be sent twice: the first answer is kept for a day under the client's key.

The key's row is inserted first, in the very transaction that does the work. So two requests with one key at once
become one: the second waits at the unique index until the first commits, then reads its answer; if the first
fails, its row vanishes with everything else and the second does the work. Refusals are therefore not kept: they
changed nothing, and asking again is harmless.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from core.models import IdempotencyKey

KEPT = timedelta(hours=24)
MAX_KEY = 255


class KeyInvalid(DomainError):
    code = "idempotency_key_invalid"
    message = _("An Idempotency-Key has 1 to 255 printable ASCII characters.")
    status = 400

    def __init__(self) -> None:
        super().__init__(attr="Idempotency-Key")


class KeyReused(DomainError):
    code = "idempotency_key_reused"
    message = _("This Idempotency-Key was used for another request. Take a new one.")
    status = 422

    def __init__(self) -> None:
        super().__init__(attr="Idempotency-Key")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered the first time."""

    status: int
    body: str  # rendered JSON: what is kept is what was sent, to the byte; empty for no body


def check_key(key: str) -> None:
    """Raises KeyInvalid."""
    if not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise KeyInvalid


def begin(*, user_id: int, route: str, key: str, body: bytes, now: datetime) -> Answer | None:
    """Claim the key, or return the answer that was given under it. Must be called inside the transaction.

    `body` is everything that makes the request what it is, in one canonical form. Raises KeyReused.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an idempotency key outside the transaction of the work protects nothing")
    body_hash = hashlib.sha256(body).hexdigest()
    mine = {"user_id": user_id, "route": route[:200], "key": key}
    IdempotencyKey.objects.filter(**mine, created_at__lt=now - KEPT).delete()
    with connection.cursor() as cursor:
        # Waits while another transaction holds the same key, which get_or_create would do twice over.
        cursor.execute(
            "INSERT INTO core_idempotency_key (user_id, route, key, body_hash, created_at) "
            "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (user_id, route, key) DO NOTHING RETURNING id",
            [user_id, route[:200], key, body_hash, now],
        )
        if cursor.fetchone() is not None:
            return None
    known = IdempotencyKey.objects.get(**mine)
    if known.body_hash != body_hash:
        raise KeyReused
    if known.status is None or known.response is None:
        # begin() twice in one transaction: there is no answer yet, and there must not be two.
        raise RuntimeError("the idempotency key is in use by this very transaction")
    return Answer(known.status, known.response)


def finish(*, user_id: int, route: str, key: str, answer: Answer) -> None:
    """Keep the answer, in the same transaction that began."""
    IdempotencyKey.objects.filter(user_id=user_id, route=route[:200], key=key).update(
        status=answer.status, response=answer.body
    )


def forget(*, user_id: int, route: str, key: str) -> None:
    """Give the key back: the answer cannot be kept."""
    IdempotencyKey.objects.filter(user_id=user_id, route=route[:200], key=key).delete()


def purge(*, now: datetime) -> int:
    """Forget answers older than a day; how many that were."""
    return IdempotencyKey.objects.filter(created_at__lt=now - KEPT).delete()[0]
