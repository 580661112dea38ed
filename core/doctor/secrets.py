"""The keys: they work, and every stored value can be opened with one of them."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings
from django.db import connection
from psycopg import sql

from core import crypto
from core.doctor.findings import Finding, bad, good
from core.fields import SealedMixin

_CONTEXT = "doctor.trial"


def keys_work() -> Finding:
    """A value can be sealed and opened."""
    ring = settings.CAMPUSHUB_ENCRYPTION_KEYS
    try:
        crypto.decrypt(crypto.encrypt("trial", context=_CONTEXT), context=_CONTEXT)
    except (crypto.DecryptionError, ValueError) as error:
        return bad("keys", str(error), "Correct ENCRYPTION_KEYS.")
    return good("keys", f"{len(ring)} in the ring, “{next(iter(ring))}” seals")


def stored_values() -> Finding:
    """Every key that stored values were sealed with is in the ring."""
    used: dict[str, str] = {}
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, SealedMixin):
                for key_id in _key_ids(model._meta.db_table, str(field.column)):
                    used.setdefault(key_id, f"{model._meta.db_table}.{field.column}")
    lost = {
        key_id: where for key_id, where in used.items() if key_id not in settings.CAMPUSHUB_ENCRYPTION_KEYS
    }
    if lost:
        named = ", ".join(f"“{key_id}” in {where}" for key_id, where in sorted(lost.items()))
        return bad(
            "sealed values",
            f"sealed with keys that are gone: {named}",
            "Put those keys back into ENCRYPTION_KEYS.",
        )
    return good("sealed values", f"all can be opened ({len(used)} keys in use)")


def _key_ids(table: str, column: str) -> list[str]:
    statement = sql.SQL(
        "SELECT DISTINCT split_part({column}, '.', 2) FROM {table} WHERE {column} IS NOT NULL"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.format(column=sql.Identifier(column), table=sql.Identifier(table)))
        return [key_id for (key_id,) in cursor.fetchall()]
