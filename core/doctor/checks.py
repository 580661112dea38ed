"""The checks of one installation, from the server to the keys."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from core import clock, health, partitions, pdf, redis
from core.doctor import roles, secrets
from core.doctor.findings import Finding, bad, good, warning

OLDEST_POSTGRES = 150000
OLDEST_REDIS = (6, 2)
#: A clock that differs from the database's by more makes codes look stale.
DRIFT = timedelta(seconds=2)
ENOUGH_BYTES = 1 << 30


def examine() -> list[Finding]:
    """Every check in order; without a database, or without its tables, only those that need none."""
    first = database()
    found = [first, redis_server(), disk(), pdf_files(), secrets.keys_work()]
    if not first.ok:
        return found
    tables = migrations()
    found += [roles.application_role(), roles.owner_role(), tables, database_clock()]
    if tables.ok:
        # Without a migration a table or a column that these ask may be missing.
        found += [partition_years(), secrets.stored_values(), workers()]
    return found


def database() -> Finding:
    """PostgreSQL answers, is new enough, keeps text as UTF-8 and what it has acknowledged."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version_num')::int, current_setting('server_version'), "
                "current_setting('server_encoding'), current_setting('fsync')"
            )
            number, version, encoding, fsync = cursor.fetchone() or (0, "?", "?", "?")
    except DatabaseError as error:
        told = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return bad("database", told, "Start PostgreSQL, or correct DATABASE_URL.")
    if number < OLDEST_POSTGRES:
        return bad("database", f"PostgreSQL {version}", "Upgrade to PostgreSQL 15 or newer.")
    if encoding != "UTF8":
        return bad(
            "database", f"The database keeps text as {encoding}.", "Make it anew with ENCODING 'UTF8'."
        )
    if fsync != "on":
        return warning("database", "fsync is off: a power cut loses marks.", "Set fsync = on.")
    return good("database", f"PostgreSQL {version}")


def redis_server() -> Finding:
    remedy = "Start Redis or Valkey, or correct REDIS_URL. Marking and scanning go on without it."
    try:
        info = redis.run(lambda client: client.info("server"))
    except redis.RedisAway as error:
        return bad("redis", str(error), remedy)
    version = str(info.get("redis_version", "0.0"))
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        return bad("redis", f"version {version}", "Upgrade to Redis 6.2 or newer, or to Valkey.")
    return good("redis", f"{info.get('server_name', 'redis')} {info.get('valkey_version', version)}")


def migrations() -> Finding:
    executor = MigrationExecutor(connection)
    waiting = [
        f"{migration.app_label}.{migration.name}"
        for migration, _backwards in executor.migration_plan(executor.loader.graph.leaf_nodes())
    ]
    if waiting:
        named = ", ".join(waiting[:5])
        return bad("migrations", f"{len(waiting)} not applied: {named}", "Run bin/manage migrate.")
    return good("migrations", "all applied")


def partition_years() -> Finding:
    """Records and trail of this year and the next have somewhere to go."""
    this_year = clock.now().year
    missing = [
        f"{model._meta.db_table} {year}"
        for model in partitions.registry()
        for year in (this_year, this_year + 1)
        if year not in partitions.years(model)
    ]
    if missing:
        return bad("partitions", f"missing: {', '.join(missing)}", "Run bin/manage ensure_partitions.")
    return good("partitions", f"ready for {this_year} and {this_year + 1}")


def database_clock() -> Finding:
    """This machine and the database server agree on the time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (theirs,) = cursor.fetchone() or (clock.now(),)
    drift = abs(clock.now() - clock.shift() - theirs)
    if drift > DRIFT:
        return bad(
            "clock",
            f"differs from the database server's by {drift.total_seconds():.1f} s",
            "Set both clocks by NTP.",
        )
    if clock.shift():
        return warning(
            "clock", f"shifted by {clock.shift()}", "Unset CLOCK_SHIFT_SECONDS to live in the present again."
        )
    return good("clock", "agrees with the database server's")


def workers() -> Finding:
    """Beat sends and a worker runs; known from what they write into the database."""
    state = health.check()["workers"]
    if state["ok"]:
        return good("workers", "alive, nothing is overdue")
    return bad(
        "workers", state["detail"], "Start worker and beat (bin/run does), and read their logs in var/log."
    )


def disk() -> Finding:
    folder = settings.VAR_DIR
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return bad("disk", f"{folder} cannot be written", "Make the folder, or set VAR_DIR to another one.")
    free = shutil.disk_usage(folder).free
    told = f"{free / (1 << 30):.1f} GiB free at {folder}"
    if free < ENOUGH_BYTES:
        return bad("disk", told, "Make room: uploads and logs need it, an embedded database most of all.")
    return good("disk", told)


def pdf_files() -> Finding:
    """Registers and certificates can be made: WeasyPrint finds Pango, and the fonts of the site are there."""
    missing = pdf.missing_fonts()
    if missing:
        return warning(
            "pdf", f"fonts are missing: {', '.join(missing)}", "Run npm ci, or bin/run, which does."
        )
    try:
        pdf.load()
    except pdf.PdfUnavailable:
        return warning(
            "pdf", "Pango cannot be loaded: no PDF files", f"As root, apt-get install {pdf.PACKAGES}."
        )
    return good("pdf", "PDF files can be made")
