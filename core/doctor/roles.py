"""The two database roles: one that owns everything and one that works, owning nothing."""

from __future__ import annotations

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import connection

from core import owner
from core.doctor.findings import Finding, bad, good

_GRANT = "Run bin/manage migrate: it grants the application role what it needs and no more."


def application_role() -> Finding:
    """We work as a role that owns no table, is no superuser, and cannot change the audit trail."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper, rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
        name, is_super, may_create = cursor.fetchone() or ("?", True, True)
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND pg_has_role(current_user, relowner, 'USAGE')"
        )
        (owned,) = cursor.fetchone() or (0,)
    if is_super or may_create or owned:
        why = (
            "is a superuser"
            if is_super
            else f"owns {owned} tables"
            if owned
            else "may create roles or databases"
        )
        remedy = (
            "Connect with a role of its own (DATABASE_URL), and migrate as the owner (DATABASE_OWNER_URL)."
        )
        return bad("application role", f"{name} {why}", remedy)
    missing, too_much = _rights()
    if missing:
        return bad("application role", f"{name} lacks rights on {', '.join(missing[:5])}", _GRANT)
    if too_much:
        return bad("application role", f"{name} could change {', '.join(too_much)}", _GRANT)
    return good("application role", f"{name} owns nothing and cannot change the audit trail")


def _rights() -> tuple[list[str], list[str]]:
    """Tables on which the role has too few rights, and append-only ones on which it has too many."""
    missing: list[str] = []
    too_much: list[str] = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if not model._meta.managed or model._meta.proxy:
                continue
            table = model._meta.db_table
            append_only = getattr(model, "append_only", False)
            wanted = "SELECT, INSERT" if append_only else "SELECT, INSERT, UPDATE, DELETE"
            # One right in a list is enough for has_table_privilege: each is asked for by itself.
            cursor.execute(
                "SELECT bool_and(has_table_privilege(to_regclass(%s), btrim(name))) "
                "FROM unnest(string_to_array(%s, ',')) AS name",
                [table, wanted],
            )
            if (cursor.fetchone() or (None,))[0] is not True:
                missing.append(table)
            if append_only:
                cursor.execute(
                    "SELECT has_table_privilege(to_regclass(%s), 'UPDATE, DELETE, TRUNCATE')", [table]
                )
                if (cursor.fetchone() or (None,))[0]:
                    too_much.append(table)
    return missing, too_much


def owner_role() -> Finding:
    """Migrations and retention can connect as the role that owns the tables."""
    name = settings.OWNER_DATABASE["USER"]
    try:
        with owner.connect() as connected:
            row = connected.execute(
                "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class "
                "WHERE oid = to_regclass('django_migrations')"
            ).fetchone()
    except psycopg.Error as error:
        told = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return bad("owner role", told, "Correct DATABASE_OWNER_URL: migrations and retention need it.")
    if row is None:
        return bad("owner role", "there are no tables yet", "Run bin/manage migrate.")
    if not row[0]:
        return bad("owner role", f"{name} does not own the tables", "Set DATABASE_OWNER_URL to their owner.")
    return good("owner role", f"{name} owns the tables")
