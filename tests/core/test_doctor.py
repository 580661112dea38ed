"""The doctor: every fault is named with its remedy, and what is in order is not complained about."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.core.management import call_command
from django.db import connection

from core import clock, doctor, jobs, pdf, redis
from core.doctor import checks
from core.models import TaskHealth
from tests.conftest import become_application, become_owner, owner_sql
from tests.factories import CohortFactory, DepartmentFactory, SchoolFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def workers() -> None:
    """A worker reported just now: this is about the real clock, which is compared with the database's."""
    now = clock.now()
    TaskHealth.objects.create(name=jobs.RELAY_OUTBOX, period_seconds=10, started_at=now, succeeded_at=now)


@pytest.fixture
def asked_again() -> Iterator[None]:
    """Redis may be asked again at once by whoever comes after a test that sent it away."""
    yield
    redis.forget_failure()


def found(name: str) -> doctor.Finding:
    (finding,) = (finding for finding in doctor.examine() if finding.name == name)
    return finding


def assert_bad(name: str, *, detail: str, remedy: str) -> None:
    finding = found(name)
    assert finding.state == "bad", finding
    assert detail in finding.detail
    assert remedy in finding.remedy


def run(*arguments: str) -> tuple[int, str]:
    """Exit status and standard output of the command."""
    output = io.StringIO()
    try:
        call_command("doctor", *arguments, stdout=output, stderr=io.StringIO())
    except SystemExit as left:
        return int(str(left.code)), output.getvalue()
    return 0, output.getvalue()


@contextmanager
def elsewhere(**values: str) -> Iterator[None]:
    """Django's connection leads to another place; needs a test that holds no transaction."""
    own = {name: connection.settings_dict[name] for name in values}
    connection.close()
    connection.settings_dict.update(values)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(own)


@contextmanager
def empty_database(encoding: str) -> Iterator[str]:
    """The name of a database in which nobody has migrated."""
    import psycopg

    own = site_settings.OWNER_DATABASE
    name = f"{connection.settings_dict['NAME']}_{encoding}".lower()
    with psycopg.connect(
        host=own["HOST"], port=own["PORT"], user=own["USER"], password=own["PASSWORD"],
        dbname=connection.settings_dict["NAME"], autocommit=True,
    ) as owner:  # fmt: skip
        owner.execute(f"DROP DATABASE IF EXISTS {name}")
        owner.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        try:
            yield name
        finally:
            owner.execute(f"DROP DATABASE {name}")


class TestTheCommand:
    def test_is_content_with_a_house_in_order(self, workers: None) -> None:
        status, told = run("--integrity")

        assert status == 0, told
        assert told.endswith("Everything is in order.\n")
        assert "✗" not in told
        assert "✓ integrity" in told

    def test_tells_what_to_do_about_what_is_wrong_and_fails(self) -> None:
        status, told = run()

        assert status == 1
        line = told.index("✗ workers")
        assert "no worker has reported yet" in told[line:].splitlines()[0]
        assert told[line:].splitlines()[1].strip().startswith("→ Start worker and beat")
        assert told.endswith("Something needs your attention.\n")

    def test_answers_machines_in_json(self, workers: None) -> None:
        status, told = run("--json")

        answer = json.loads(told)
        assert (status, answer["ok"]) == (0, True)
        assert [finding["name"] for finding in answer["findings"]] == [
            "database", "redis", "disk", "pdf", "keys", "application role", "owner role", "migrations", "clock",
            "partitions", "sealed values", "workers",
        ]  # fmt: skip

    @pytest.mark.django_db(transaction=True)
    def test_without_a_database_it_tells_of_what_needs_none(self) -> None:
        with elsewhere(PORT="1"):
            status, told = run("--integrity", "--json")

        first, *others = json.loads(told)["findings"]
        assert status == 1
        assert (first["name"], first["state"]) == ("database", "bad")
        assert "refused" in first["detail"]
        assert "DATABASE_URL" in first["remedy"]
        assert [(finding["name"], finding["state"]) for finding in others] == [
            ("redis", "ok"), ("disk", "ok"), ("pdf", "ok"), ("keys", "ok"),
        ]  # fmt: skip

    @pytest.mark.django_db(transaction=True)
    def test_where_nobody_has_migrated_it_says_so_and_does_not_break(self) -> None:
        with empty_database("UTF8") as name, elsewhere(NAME=name):
            findings = {finding.name: finding for finding in doctor.examine()}

        assert findings["database"].state == "ok"
        assert "lacks rights on" in findings["application role"].detail
        assert findings["owner role"].detail == "there are no tables yet"
        assert "not applied" in findings["migrations"].detail
        for name in ("application role", "owner role", "migrations"):
            assert "bin/manage migrate" in findings[name].remedy
        assert "partitions" not in findings


class TestTheServers:
    @pytest.mark.django_db(transaction=True)
    def test_a_database_that_is_not_in_utf_8_is_refused(self) -> None:
        with empty_database("SQL_ASCII") as name, elsewhere(NAME=name):
            finding = checks.database()

        assert (finding.state, finding.detail) == ("bad", "The database keeps text as SQL_ASCII.")

    def test_versions_that_are_too_old_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checks, "OLDEST_POSTGRES", 999_999)
        monkeypatch.setattr(checks, "OLDEST_REDIS", (99, 0))

        assert "Upgrade to PostgreSQL" in checks.database().remedy
        assert "Upgrade to Redis" in checks.redis_server().remedy

    def test_redis_that_is_away_is_told(self, settings: Any, asked_again: None) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"

        assert_bad("redis", detail="ConnectionError", remedy="Marking and scanning go on without it.")

    def test_a_clock_that_differs_from_the_databases_is_told(
        self, clock_at: Callable[[datetime], Any]
    ) -> None:
        with clock_at(clock.now() + timedelta(seconds=90)):
            assert_bad("clock", detail="differs from the database server's by", remedy="NTP")

    def test_a_shifted_clock_is_a_warning_and_no_fault(self, settings: Any) -> None:
        settings.CLOCK_SHIFT_SECONDS = 3600

        finding = found("clock")
        assert (finding.state, finding.ok) == ("warning", True)
        assert "shifted by 1:00:00" in finding.detail
        assert "CLOCK_SHIFT_SECONDS" in finding.remedy


class TestTheRoles:
    @pytest.mark.django_db(transaction=True)
    def test_working_as_the_owner_is_refused(self) -> None:
        become_owner()
        try:
            finding = found("application role")
        finally:
            become_application()

        assert finding.state == "bad"
        assert " owns " in finding.detail
        assert "DATABASE_OWNER_URL" in finding.remedy

    @pytest.mark.parametrize(
        ("wrong", "right", "told"),
        [
            ("REVOKE UPDATE ON academics_room FROM", "GRANT UPDATE ON academics_room TO", "lacks rights on"),
            (
                "GRANT UPDATE ON attendance_audit_log TO",
                "REVOKE UPDATE ON attendance_audit_log FROM",
                "could change attendance_audit_log",
            ),
        ],
    )
    def test_a_right_too_few_or_too_many_is_told(self, wrong: str, right: str, told: str) -> None:
        owner_sql(f"{wrong} {site_settings.DATABASE_APP_ROLE}")
        try:
            assert_bad("application role", detail=told, remedy="bin/manage migrate")
        finally:
            owner_sql(f"{right} {site_settings.DATABASE_APP_ROLE}")
        assert found("application role").ok

    def test_an_owner_who_cannot_sign_in_or_owns_nothing_is_told(self, settings: Any) -> None:
        own = settings.OWNER_DATABASE
        settings.OWNER_DATABASE = {**own, "PORT": "1"}
        assert_bad("owner role", detail="refused", remedy="DATABASE_OWNER_URL")
        settings.OWNER_DATABASE = {
            **own,
            "USER": settings.DATABASE_APP_ROLE,
            "PASSWORD": settings.DATABASE_APP_PASSWORD,
        }
        assert_bad("owner role", detail="does not own the tables", remedy="DATABASE_OWNER_URL")


class TestTheData:
    def test_migrations_that_wait_are_named(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'core'")

        assert_bad("migrations", detail="core.0001_initial", remedy="bin/manage migrate")

    def test_years_without_partitions_are_named(self, clock_at: Callable[[datetime], Any]) -> None:
        with clock_at(datetime(2087, 5, 1, tzinfo=UTC)):
            assert_bad("partitions", detail="attendance_record 2087", remedy="bin/manage ensure_partitions")

    def test_values_whose_key_is_gone_are_found(self, settings: Any) -> None:
        UserFactory(phone="+91 98480 22338")
        (ours,) = settings.CAMPUSHUB_ENCRYPTION_KEYS
        assert found("sealed values").detail == "all can be opened (1 keys in use)"
        settings.CAMPUSHUB_ENCRYPTION_KEYS = {"k9": os.urandom(32)}

        assert found("keys").ok
        assert_bad("sealed values", detail=f"“{ours}” in accounts_user.phone", remedy="ENCRYPTION_KEYS")

    def test_a_key_that_cannot_seal_is_told(self, settings: Any) -> None:
        settings.CAMPUSHUB_ENCRYPTION_KEYS = {"k1": b"short"}

        assert_bad("keys", detail="key", remedy="ENCRYPTION_KEYS")

    def test_rows_that_join_two_schools_are_found(self) -> None:
        StudentFactory()
        assert [finding.state for finding in doctor.crossing_schools()] == ["ok"]
        astray = CohortFactory(department=DepartmentFactory(school=SchoolFactory()))

        status, told = run("--integrity")

        assert status == 1
        assert f"1 rows of academics_cohort join two schools, the first is {astray.pk}" in told


class TestTheDisk:
    def test_a_folder_that_is_missing_is_told(self, settings: Any, tmp_path: Path) -> None:
        settings.VAR_DIR = tmp_path / "none"

        assert_bad("disk", detail="cannot be written", remedy="VAR_DIR")

    def test_too_little_room_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checks, "ENOUGH_BYTES", 1 << 60)

        assert_bad("disk", detail="GiB free", remedy="Make room")


def test_without_pango_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise pdf.PdfUnavailable

    assert (found("pdf").state, found("pdf").detail) == ("ok", "PDF files can be made")
    monkeypatch.setattr(pdf, "load", missing)
    finding = found("pdf")
    assert finding.state == "warning"
    assert "libpango-1.0-0" in finding.remedy
    monkeypatch.setattr(pdf, "missing_fonts", lambda: ["vendor/inter/x.woff2"])
    assert "npm ci" in found("pdf").remedy
