"""Names of the background tasks of accounts."""

from __future__ import annotations

FORGET_SIGN_INS = "accounts.forget_sign_ins"
