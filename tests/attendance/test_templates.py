"""What students are recognised by: with consent only, sealed, found without being opened, gone with the consent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection

from accounts.models import Consent
from accounts.services import consents
from attendance import errors
from attendance.enums import Direction
from attendance.iclock import Reading
from attendance.models import AttendanceRecord, BiometricTemplate, DeviceEvent
from attendance.services import readings, templates
from attendance.services.cards import card_index
from audit.models import AuditEntry
from core import crypto
from core.errors import Invalid
from tests.attendance.readers import World, agree
from tests.colleges import client_of, refusal
from tests.factories import StudentFactory

pytestmark = pytest.mark.django_db

TEMPLATES = "/api/v1/attendance/biometric-templates/"


@pytest.fixture
def world() -> World:
    return World()


def enrol(world: World, index: int = 0, **values: Any) -> BiometricTemplate:
    wanted = {"kind": "fingerprint", "template": "VGhlIGxlZnQgdGh1bWI=", **values}
    return templates.enrol(student=world.students[index], by=world.office, now=world.at(0), **wanted)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The context of every value that is really decrypted meanwhile."""
    contexts: list[str] = []
    real = crypto.decrypt

    def counted(token: str, *, context: str) -> str:
        contexts.append(context)
        return real(token, context=context)

    monkeypatch.setattr(crypto, "decrypt", counted)
    return contexts


def test_nothing_is_kept_of_who_has_not_agreed(world: World) -> None:
    with pytest.raises(errors.ConsentMissing):
        enrol(world)

    assert not BiometricTemplate.objects.exists()


def test_a_consent_that_was_withdrawn_is_none(world: World) -> None:
    agree(world.students[0])
    templates.withdraw_consent(student=world.students[0], by=world.office, now=world.at(0))

    with pytest.raises(errors.ConsentMissing):
        enrol(world)


def test_a_template_is_sealed_in_the_table(world: World) -> None:
    agree(world.students[0])
    made = enrol(world)

    with connection.cursor() as cursor:
        cursor.execute("SELECT template FROM attendance_biometric_template")
        (stored,) = cursor.fetchone() or ("",)

    assert stored.startswith("g1.")
    assert BiometricTemplate.objects.get(pk=made.pk).template == "VGhlIGxlZnQgdGh1bWI="


def test_enrolling_again_replaces_the_same_finger_only(world: World) -> None:
    agree(world.students[0])
    for position, template in ((1, "QQ=="), (2, "Qg=="), (1, "Qw==")):
        enrol(world, position=position, template=template)

    kept = {row.position: row.template for row in BiometricTemplate.objects.all()}

    assert kept == {1: "Qw==", 2: "Qg=="}


def test_withdrawing_deletes_every_template_at_once_and_keeps_history(world: World) -> None:
    world.open()
    agree(world.students[0])
    agree(world.students[1])
    enrol(world)
    enrol(world, kind="rfid", template="AB12")
    enrol(world, 1)
    world.punch(1)

    count = templates.withdraw_consent(student=world.students[0], by=world.students[0].user, now=world.at(5))

    assert count == 2
    assert [row.student for row in BiometricTemplate.objects.all()] == [world.students[1]]
    assert AttendanceRecord.objects.count() == DeviceEvent.objects.count() == 1
    assert Consent.objects.get(user=world.students[0].user).withdrawn_at == world.at(5)
    assert AuditEntry.objects.filter(action="template.enrol").count() == 3
    entry = AuditEntry.objects.get(action="template.remove_all")
    assert entry.before == {"count": 2}
    assert templates.withdraw_consent(student=world.students[0], by=world.office, now=world.at(6)) == 0


def test_after_withdrawal_the_card_is_a_strangers(world: World) -> None:
    world.open()
    agree(world.students[0])
    enrol(world, kind="rfid", template="AB12")
    templates.withdraw_consent(student=world.students[0], by=world.office, now=world.at(0))

    readings.take(device=world.device, readings=[Reading(world.at(1), card="AB12")], now=world.at(1))

    assert (world.event().state, world.event().reason) == ("unmatched", "unknown_card")


def test_a_card_belongs_to_one_student(world: World) -> None:
    agree(world.students[0])
    agree(world.students[1])
    enrol(world, kind="rfid", template="AB12")

    with pytest.raises(errors.CardTaken):
        enrol(world, 1, kind="rfid", template="00ab12")
    assert enrol(world, kind="rfid", template="CD34").card_index == card_index("cd34")


@pytest.mark.parametrize(
    ("values", "attr"),
    [
        ({"kind": "retina"}, "kind"),
        ({"position": 10}, "position"),
        ({"kind": "face", "position": 1}, "position"),
        ({"template": ""}, "template"),
        ({"kind": "rfid", "template": "000"}, "template"),
        ({"kind": "rfid", "template": "x" * 41}, "template"),
    ],
)
def test_what_is_no_template_is_refused(world: World, values: dict[str, Any], attr: str) -> None:
    agree(world.students[0])

    with pytest.raises(Invalid) as told:
        enrol(world, **values)

    assert told.value.attr == attr


def test_looking_up_cards_opens_nothing(world: World, opened: list[str]) -> None:
    world.open()
    for index in range(3):
        agree(world.students[index])
        enrol(world, index, kind="rfid", template=f"AB1{index}")
    told = [Reading(world.at(index), Direction.IN, card=f"AB1{index}") for index in range(3)]

    taken = readings.take(device=world.device, readings=told, now=world.at(3))

    assert taken.marks == 3
    assert opened == []
    # The counter counts: reading one template opens it.
    assert BiometricTemplate.objects.first() is not None
    assert opened == ["attendance_biometric_template.template"]


def test_a_card_is_found_through_its_index(world: World) -> None:
    world.open()
    stranger = StudentFactory(school=world.school)
    BiometricTemplate.objects.bulk_create(
        BiometricTemplate(
            school=world.school,
            student=stranger,
            kind="rfid",
            position=number,
            template="x",
            card_index=card_index(f"CARD{number}"),
            enrolled_at=world.at(0),
            enrolled_by=world.office,
        )
        for number in range(1, 3000)
    )
    readings.take(device=world.device, readings=[Reading(world.at(1), card="CARD7")], now=world.at(1))

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE attendance_biometric_template, attendance_device_event")
        sql = readings.WAITING.format(which="e.id = ANY (%(ids)s::uuid[])")
        known = {"ids": [world.event().pk], "school": world.school.pk}
        cursor.execute("UPDATE attendance_device_event SET state = 'unmatched'")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", known)
        (plan,) = cursor.fetchone() or ("",)

    text = json.dumps(plan)
    assert "template_card_once" in text
    assert (
        '"Seq Scan", "Parallel Aware": false, "Async Capable": false, "Relation Name": "attendance_bio'
        not in text
    )


# -- consents -----------------------------------------------------------------------------------------------------


def test_agreeing_twice_is_one_consent_and_to_another_text_another(world: World) -> None:
    user = world.students[0].user

    def grant(version: str) -> Consent:
        return consents.grant(user=user, purpose="biometric", text_version=version, by=user, now=world.at(0))

    assert grant("1") == grant("1")
    grant("2")

    assert sorted(Consent.objects.values_list("text_version", "withdrawn_at")) == [
        ("1", world.at(0)),
        ("2", None),
    ]


def test_there_are_no_purposes_but_the_known_ones(world: World) -> None:
    user = world.students[0].user

    with pytest.raises(Invalid):
        consents.grant(user=user, purpose="profit", text_version="1", by=user, now=world.at(0))


def test_taking_back_what_was_never_given_is_nothing(world: World) -> None:
    user = world.students[0].user

    assert consents.withdraw(user=user, purpose="photo", by=user, now=world.at(0)) is None
    assert not AuditEntry.objects.filter(action__startswith="consent").exists()


# -- the API ------------------------------------------------------------------------------------------------------


def test_the_office_enrols_with_consent_lists_and_deletes_and_nobody_reads_it(world: World) -> None:
    office = client_of(world.office)
    number = world.students[0].enrollment_no
    asked = {"student": number, "kind": "rfid", "template": "AB12CD34"}
    assert refusal(office.post(TEMPLATES, asked))[:2] == (409, "consent_missing")
    agree(world.students[0])

    made = office.post(TEMPLATES, asked)

    assert made.status_code == 201
    listed = office.get(TEMPLATES)
    assert listed.json()["results"] == [made.json()]
    assert made.json().keys() == {"id", "student", "kind", "position", "enrolled_at"}
    assert "AB12CD34" not in made.content.decode() + str(AuditEntry.objects.values())
    assert office.delete(f"{TEMPLATES}{made.json()['id']}/").status_code == 204
    assert office.get(TEMPLATES).json()["results"] == []


def test_a_card_of_somebody_else_is_refused_by_code(world: World) -> None:
    office = client_of(world.office)
    agree(world.students[0])
    agree(world.students[1])
    enrol(world, kind="rfid", template="AB12")

    asked = {"student": world.students[1].enrollment_no, "kind": "rfid", "template": "ab12"}

    assert refusal(office.post(TEMPLATES, asked)) == (409, "card_taken", "template")


def test_a_student_sees_what_is_kept_of_oneself_alone(world: World) -> None:
    for index in range(2):
        agree(world.students[index])
        enrol(world, index)

    found = client_of(world.students[0].user).get(TEMPLATES).json()["results"]

    assert [row["student"] for row in found] == [world.students[0].enrollment_no]
