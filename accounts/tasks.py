"""Background tasks of accounts."""

from __future__ import annotations

from datetime import timedelta

from accounts import jobs
from accounts.services import tokens
from core import clock
from core.tasks import scheduled


@scheduled(jobs.FORGET_SIGN_INS, every=timedelta(days=1), nightly=True)
def forget_sign_ins() -> int:
    """Delete sign-ins of the API that ended long ago."""
    return tokens.forget(now=clock.now())
