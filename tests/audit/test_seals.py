"""Sealing the trail, and finding what somebody with all rights changed in it."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from audit.models import AuditEntry, AuditSeal, RetentionRun
from audit.services import chain, ledger, seals
from audit.services.entries import operation
from audit.services.seals import seal
from audit.services.verification import Break, Damage, verify
from core import partitions
from core.ids import uuid7
from tests.races import together

pytestmark = pytest.mark.django_db(transaction=True)

LAST_YEAR = datetime(2025, 12, 31, 23, 59, tzinfo=UTC)


def write(count: int = 1, *, at: datetime, settled: bool = True) -> list[UUID]:
    """So many entries of one committed transaction, ready to be sealed; their ids in the order of the chain."""
    with transaction.atomic(), operation(by=None, at=at) as op:
        for number in range(count):
            op.record(
                "thing.change", school_id=1, object_type="thing", object_id=number, after={"number": number}
            )
    if settled:
        settle()
    newest = AuditEntry.objects.order_by("-xid", "-id").values_list("id", flat=True)[:count]
    return sorted(newest)


def settle() -> None:
    """Wait for all transactions that began so far: those of other tests on the same server delay sealing as well."""
    deadline = time.monotonic() + 120
    begun = ledger.horizon().unborn
    while ledger.horizon().settled < begun:
        assert time.monotonic() < deadline, "a transaction on this server does not end"
        time.sleep(0.02)


def tamper(*statements: str) -> None:
    """What somebody can do who owns the tables."""
    own = settings.OWNER_DATABASE
    with psycopg.connect(
        host=own["HOST"],
        port=own["PORT"],
        user=own["USER"],
        password=own["PASSWORD"],
        dbname=connection.settings_dict["NAME"],
    ) as owner:
        owner.execute("SET audit.maintenance = 'on'")
        for statement in statements:
            owner.execute(statement.encode())


@contextmanager
def tampered(*statements: str) -> Iterator[None]:
    """The same, put right again at the end of the block."""
    tables = ("attendance_audit_log", "audit_seal")
    tamper(*(f"CREATE TABLE copy_of_{table} AS SELECT * FROM {table}" for table in tables), *statements)
    yield
    tamper(
        *(f"TRUNCATE {table}" for table in tables),
        *(f"INSERT INTO {table} SELECT * FROM copy_of_{table}" for table in tables),
        *(f"DROP TABLE copy_of_{table}" for table in tables),
    )


def as_application(*statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def sealed(now: datetime) -> list[UUID]:
    """Nine entries under three seals."""
    idents: list[UUID] = []
    for _ in range(3):
        idents += write(3, at=now)
        seal(now=now)
    return idents


def test_every_entry_is_sealed_once_and_the_trail_is_intact(now: datetime) -> None:
    write(3, at=now)
    first = seal(now=now)
    write(2, at=now)
    second = seal(now=now)

    assert [(s.entries, s.year) for s in (*first, *second)] == [(3, 2026), (2, 2026)]
    assert second[0].previous == first[0].mac
    answer = verify(now=now)
    assert (answer.ok, answer.seals, answer.entries, answer.unsealed) == (True, 2, 5, 0)
    assert answer.head == second[0].mac


def test_without_new_entries_there_is_no_new_seal(now: datetime, sealed: list[UUID]) -> None:
    assert seal(now=now) == []
    assert AuditSeal.objects.count() == 3


def test_a_trail_without_entries_is_intact(now: datetime) -> None:
    assert seal(now=now) == []
    assert verify(now=now).ok


def test_a_seal_never_spans_two_years(now: datetime) -> None:
    partitions.ensure([2025])
    write(2, at=LAST_YEAR)
    write(1, at=now)
    write(1, at=LAST_YEAR)

    made = seal(now=now)

    assert [(s.year, s.entries) for s in made] == [(2025, 3), (2026, 1)]
    assert made[0].from_xid == made[1].from_xid
    assert made[0].upto_xid == made[1].upto_xid
    assert verify(now=now).ok


def test_many_entries_make_several_seals_cut_between_transactions(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "ENTRIES_PER_SEAL", 4)
    for _ in range(5):
        write(3, at=now)

    made = seal(now=now)

    assert [s.entries for s in made] == [6, 6, 3]
    assert [s.upto_xid for s in made[:-1]] == [s.from_xid for s in made[1:]]
    assert verify(now=now).entries == 15


def test_what_is_in_flight_waits_for_the_next_seal(now: datetime) -> None:
    own = settings.DATABASES["default"]
    in_flight = psycopg.connect(
        host=own["HOST"],
        port=own["PORT"],
        user=own["USER"],
        password=own["PASSWORD"],
        dbname=connection.settings_dict["NAME"],
    )
    with in_flight:
        late = uuid7()
        in_flight.execute(
            "INSERT INTO attendance_audit_log (id, at, operation_id, action, object_type, object_id, actor_kind) "
            "VALUES (%s, %s, %s, 'slow.import', 'thing', '1', 'system')",
            [late, now, uuid7()],
        )
        write(2, at=now, settled=False)
        assert seal(now=now) == []  # they began after the one in flight: its end is not known yet
        in_flight.commit()
    settle()
    made = seal(now=now)

    assert [s.entries for s in made] == [3]
    assert late.bytes in [ident for ident, _mark in chain.items_of(bytes(made[0].manifest))]
    assert verify(now=now).ok


def test_what_is_not_sealed_yet_is_reported_with_its_age(now: datetime, sealed: list[UUID]) -> None:
    write(2, at=now)

    answer = verify(now=now + timedelta(minutes=5))

    assert (answer.ok, answer.unsealed, answer.oldest_unsealed) == (True, 2, timedelta(minutes=5))


def test_two_sealers_at_once_chain_once(now: datetime) -> None:
    for _ in range(10):
        write(20, at=now)
        outcomes = together(4, lambda _i: seal(now=now))
        assert [type(outcome) for outcome in outcomes] == [list] * 4, outcomes
        assert sorted(len(outcome) for outcome in outcomes) == [0, 0, 0, 1]
    answer = verify(now=now)
    assert (answer.ok, answer.seals, answer.entries) == (True, 10, 200)


def test_sealing_beside_writers_seals_each_entry_once(now: datetime) -> None:
    def act(index: int) -> int:
        if index < 3:
            for _ in range(20):
                write(2, at=now, settled=False)
            return 0
        return sum(s.entries for _ in range(20) for s in seal(now=now))

    outcomes = together(4, act)
    settle()
    rest = sum(s.entries for s in seal(now=now))

    assert outcomes[3] + rest == 120
    answer = verify(now=now)
    assert (answer.ok, answer.entries, answer.unsealed) == (True, 120, 0)


def test_the_applications_own_role_cannot_change_the_trail(now: datetime, sealed: list[UUID]) -> None:
    for table in ("attendance_audit_log", "audit_seal"):
        for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(DatabaseError, match=r"permission denied|append-only"):
                as_application("SET audit.maintenance = 'on'", statement)
    assert verify(now=now).ok


EDITS = [
    "action = 'thing.other'",
    "after = '{\"number\": 99}'",
    "reason = 'because'",
    "actor_id = 77",
    "at = at + interval '1 microsecond'",
    "school_id = NULL",
    "ip = '10.0.0.1'",
    "object_id = object_id || ' '",
]


def test_an_edited_entry_is_named(now: datetime, sealed: list[UUID]) -> None:
    for change, place in product(EDITS, (0, 4, 8)):
        with tampered(f"UPDATE attendance_audit_log SET {change} WHERE id = '{sealed[place]}'"):
            assert found(now) == (Damage.EDITED, sealed[place]), change
    assert verify(now=now).ok


def test_a_deleted_entry_is_named_the_newest_included(now: datetime, sealed: list[UUID]) -> None:
    for place in range(9):
        with tampered(f"DELETE FROM attendance_audit_log WHERE id = '{sealed[place]}'"):
            assert found(now) == (Damage.DELETED, sealed[place])


def test_of_a_deleted_tail_the_first_is_named(now: datetime, sealed: list[UUID]) -> None:
    tamper("DELETE FROM attendance_audit_log WHERE id IN ('{}', '{}', '{}')".format(*sealed[6:]))

    assert found(now) == (Damage.DELETED, sealed[6])


def test_an_entry_put_among_the_sealed_is_named(now: datetime, sealed: list[UUID]) -> None:
    for place in range(9):
        forged = uuid7()
        with tampered(copy_of(sealed[place], as_=forged)):
            assert found(now) == (Damage.INSERTED, forged)


def test_an_entry_put_between_two_seals_is_named(now: datetime, sealed: list[UUID]) -> None:
    first = AuditSeal.objects.order_by("pk").first()
    assert first is not None
    forged = uuid7()
    tamper(copy_of(sealed[0], as_=forged, xid=first.upto_xid))

    assert found(now) == (Damage.INSERTED, forged)


def test_an_entry_of_a_year_without_seals_is_named(now: datetime, sealed: list[UUID]) -> None:
    partitions.ensure([2025])
    forged = uuid7()
    tamper(copy_of(sealed[4], as_=forged, at="2025-06-01T00:00:00Z"))

    assert found(now) == (Damage.INSERTED, forged)


def test_an_entry_that_claims_a_transaction_to_come_is_named(now: datetime, sealed: list[UUID]) -> None:
    forged = uuid7()
    tamper(copy_of(sealed[0], as_=forged, xid=2**62))

    assert found(now) == (Damage.INSERTED, forged)


def test_an_entry_standing_twice_is_named(now: datetime, sealed: list[UUID]) -> None:
    partitions.ensure([2025])
    tamper(copy_of(sealed[0], as_=sealed[0], at="2025-06-01T00:00:00Z"))

    bad = verify(now=now).first_bad
    assert bad is not None
    assert bad.entry == sealed[0]


def test_two_entries_that_changed_places_are_noticed(now: datetime, sealed: list[UUID]) -> None:
    one, other = sealed[3], sealed[4]
    aside = uuid7()
    tamper(
        f"UPDATE attendance_audit_log SET id = '{aside}' WHERE id = '{one}'",
        f"UPDATE attendance_audit_log SET id = '{one}' WHERE id = '{other}'",
        f"UPDATE attendance_audit_log SET id = '{other}' WHERE id = '{aside}'",
    )

    assert found(now) == (Damage.EDITED, one)


def test_the_first_of_several_bad_entries_is_named(now: datetime, sealed: list[UUID]) -> None:
    tamper(
        f"DELETE FROM attendance_audit_log WHERE id = '{sealed[7]}'",
        f"UPDATE attendance_audit_log SET reason = 'x' WHERE id = '{sealed[2]}'",
        copy_of(sealed[5], as_=uuid7()),
    )

    assert found(now) == (Damage.EDITED, sealed[2])


SEAL_EDITS = [
    "entries = entries + 1",
    "upto_xid = (upto_xid::text::bigint + 1)::text::xid8",
    "mac = repeat('a', 64)",
    "previous = repeat('b', 64)",
    "sealed_at = sealed_at + interval '1 day'",
    "manifest = manifest || '\\x00'",
    "manifest = ''",
    "year = 2027",
    "system_identifier = '1'",
]


def test_a_changed_seal_is_named(now: datetime, sealed: list[UUID]) -> None:
    second = AuditSeal.objects.order_by("pk")[1]
    for change in SEAL_EDITS:
        with tampered(f"UPDATE audit_seal SET {change} WHERE id = {second.pk}"):
            bad = verify(now=now).first_bad
            assert bad is not None, change
            assert (bad.damage, bad.seal) == (Damage.SEAL, second.pk), change


def test_a_seal_taken_out_of_the_chain_is_noticed_at_the_next(now: datetime, sealed: list[UUID]) -> None:
    _first, second, third = AuditSeal.objects.order_by("pk")
    tamper(
        f"DELETE FROM audit_seal WHERE id = {second.pk}",
        "DELETE FROM attendance_audit_log WHERE id IN ('{}', '{}', '{}')".format(*sealed[3:6]),
    )

    bad = verify(now=now).first_bad
    assert bad is not None
    assert (bad.damage, bad.seal) == (Damage.SEAL, third.pk)


def test_an_entry_taken_out_of_trail_and_manifest_names_the_one_after_it(
    now: datetime, sealed: list[UUID]
) -> None:
    second = AuditSeal.objects.order_by("pk")[1]
    tamper(
        f"DELETE FROM attendance_audit_log WHERE id = '{sealed[3]}'",
        f"UPDATE audit_seal SET manifest = substring(manifest FROM 25), entries = 2 WHERE id = {second.pk}",
    )

    assert verify(now=now).first_bad == Break(Damage.SEAL, sealed[4], second.pk)


def test_a_chain_cut_off_with_its_entries_shows_beside_a_head_noted_elsewhere(
    now: datetime, sealed: list[UUID]
) -> None:
    last = AuditSeal.objects.order_by("-pk")[0]
    tamper(
        f"DELETE FROM audit_seal WHERE id = {last.pk}",
        "DELETE FROM attendance_audit_log WHERE id IN ('{}', '{}', '{}')".format(*sealed[6:]),
    )

    assert verify(now=now).ok
    bad = verify(now=now, head=last.mac).first_bad
    assert bad == Break(Damage.HEAD)


def test_the_head_told_in_the_log_is_one_that_the_check_knows(
    now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    write(2, at=now)
    (made,) = seal(now=now)

    # As it leaves the house: whatever looks like a token has been cut out of the line by now.
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    (line,) = [line for line in lines if line["event"] == "audit_sealed"]
    assert "".join(line["head"].split()) == made.mac
    assert verify(now=now, head=line["head"]).ok


def test_another_key_does_not_fit(now: datetime, sealed: list[UUID], settings: Any) -> None:
    settings.CAMPUSHUB_AUDIT_SEAL_KEY = b"another key of thirty-two bytes!"

    bad = verify(now=now).first_bad
    assert bad is not None
    assert bad.damage == Damage.SEAL


def test_of_a_retired_year_the_seals_are_still_checked(now: datetime) -> None:
    partitions.ensure([1999])
    write(2, at=datetime(1999, 5, 1, tzinfo=UTC))
    seal(now=now)
    write(1, at=now)
    seal(now=now)
    tamper("DROP TABLE attendance_audit_log__y1999")
    assert found(now)[0] == Damage.DELETED, "a year without the evidence of retention is missing"

    RetentionRun.objects.create(
        table="attendance_audit_log", year=1999, rows=2, held=0, digest="", at=now, duration_ms=1
    )
    answer = verify(now=now)
    assert (answer.ok, answer.retired, answer.entries) == (True, [1999], 1)

    tamper("UPDATE audit_seal SET entries = 3 WHERE year = 1999")
    assert not verify(now=now).ok


class TestARestoredDump:
    """Entries and seals come from another cluster, whose transactions were numbered higher or lower than ours."""

    @pytest.fixture(params=[-1000, 0, 2**40], ids=["lower", "same", "higher"])
    def foreign(self, request: pytest.FixtureRequest, now: datetime) -> list[UUID]:
        """Two sealed transactions of the other cluster and one that it had not sealed."""
        idents = write(2, at=now) + write(2, at=now)
        seal(now=now)
        idents += write(1, at=now)
        tamper(*as_if_written_elsewhere(shift=request.param))
        _seal_anew(now)
        return idents

    def test_begins_a_new_segment_and_stays_intact(self, now: datetime, foreign: list[UUID]) -> None:
        assert verify(now=now).ok
        write(3, at=now)
        assert verify(now=now).ok

        seal(now=now)
        write(1, at=now)
        seal(now=now)

        answer = verify(now=now)
        assert (answer.first_bad, answer.entries, answer.unsealed) == (None, 9, 0)
        here = ledger.horizon().cluster
        assert [s.system_identifier == here for s in AuditSeal.objects.order_by("pk")][-2:] == [True, True]

    def test_still_names_what_is_changed_in_either_segment(self, now: datetime, foreign: list[UUID]) -> None:
        own = write(2, at=now)
        seal(now=now)
        for ident in (foreign[1], foreign[4], own[0]):
            with tampered(f"UPDATE attendance_audit_log SET reason = 'x' WHERE id = '{ident}'"):
                assert found(now) == (Damage.EDITED, ident)
        assert verify(now=now).ok


def test_the_commands_seal_and_verify(now: datetime, clock_at: Callable[..., Any]) -> None:
    idents = write(3, at=now)
    with clock_at(now):
        made = run("seal_audit")
        assert made["entries"] == 3
        assert run("verify_audit") == {
            "ok": True,
            "seals": 1,
            "entries": 3,
            "unsealed": 0,
            "oldest_unsealed_seconds": None,
            "head": made["seals"][0]["mac"],
            "retired": [],
            "first_bad": None,
        }
        tamper(f"DELETE FROM attendance_audit_log WHERE id = '{idents[2]}'")
        output = io.StringIO()
        with pytest.raises(SystemExit) as left:
            call_command("verify_audit", "--json", stdout=output)

    assert left.value.code == 1
    answer = json.loads(output.getvalue())["first_bad"]
    assert (answer["damage"], answer["entry"]) == ("deleted", str(idents[2]))


def found(now: datetime) -> tuple[Damage, UUID | None] | None:
    bad = verify(now=now).first_bad
    return None if bad is None else (bad.damage, bad.entry)


def run(command: str) -> Any:
    output = io.StringIO()
    call_command(command, "--json", stdout=output)
    return json.loads(output.getvalue())


def copy_of(ident: UUID, *, as_: UUID, xid: int | None = None, at: str = "") -> str:
    """A statement that puts a copy of an entry beside it."""
    when = f"'{at}'" if at else "at"
    number = f"'{xid}'::xid8" if xid else "xid"
    columns = "school_id, operation_id, actor_kind, action, object_type, object_id, after"
    return (
        f"INSERT INTO attendance_audit_log (id, at, xid, {columns}) "
        f"SELECT '{as_}', {when}, {number}, {columns} FROM attendance_audit_log WHERE id = '{ident}'"
    )


def as_if_written_elsewhere(*, shift: int) -> list[str]:
    """Statements that give all entries and seals the numbers and the identifier of another cluster."""
    moved = "(greatest({0}::text::bigint + " + str(shift) + ", 3))::text::xid8"
    return [
        f"UPDATE attendance_audit_log SET xid = {moved.format('xid')}",
        f"UPDATE audit_seal SET system_identifier = '1', upto_xid = {moved.format('upto_xid')}",
    ]


def _seal_anew(now: datetime) -> None:
    """Let the one seal be what the other cluster would have made of its entries."""
    old = AuditSeal.objects.get()
    rows = list(ledger.rows(old.from_xid, old.upto_xid))
    new = AuditSeal(
        year=old.year,
        system_identifier=old.system_identifier,
        from_xid=old.from_xid,
        upto_xid=old.upto_xid,
        entries=len(rows),
        previous=chain.GENESIS,
        sealed_at=now,
        manifest=chain.manifest(chain.GENESIS, [(row.id, row.digest) for row in rows]),
    )
    tamper("DELETE FROM audit_seal")
    new.mac = chain.sign(new)
    new.save()
