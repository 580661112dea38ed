"""Secrets of one installation, made once and kept in a file that only its owner can read."""

from __future__ import annotations

import base64
import json
import os
import secrets
from typing import TypedDict

from .layout import State


class Keys(TypedDict):
    """Passwords are URL-safe text; the rest has the form that the settings expect."""

    secret_key: str
    encryption_keys: str
    blind_index_key: str
    audit_seal_key: str
    postgres_password: str
    owner_password: str
    app_password: str
    redis_password: str


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _generate() -> Keys:
    return Keys(
        secret_key=secrets.token_urlsafe(50),
        encryption_keys=f"k1:{_key()}",
        blind_index_key=_key(),
        audit_seal_key=_key(),
        postgres_password=secrets.token_urlsafe(24),
        owner_password=secrets.token_urlsafe(24),
        app_password=secrets.token_urlsafe(24),
        redis_password=secrets.token_urlsafe(24),
    )


def load(state: State) -> Keys:
    """The installation's keys; made at the first call. Without them encrypted columns are lost."""
    if not state.keys_file.exists():
        draft = state.keys_file.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(_generate(), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(state.keys_file)
    keys: Keys = json.loads(state.keys_file.read_text())
    return keys
