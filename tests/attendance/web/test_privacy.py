"""Privacy: what one agrees to and takes back through the page, and what goes with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import consent_texts
from accounts.consent_texts import ConsentText
from accounts.enums import ConsentPurpose, Role
from accounts.models import Consent
from attendance.models import AttendanceRecord, BiometricTemplate, DeviceEvent
from attendance.services import templates
from audit.models import AuditEntry
from core import clock
from tests.attendance.readers import World
from tests.colleges import signed_in
from tests.factories import FacultyFactory, UserFactory
from tests.factories.attendance import STARTS

pytestmark = pytest.mark.django_db

PAGE = reverse("attendance:privacy")
AGREE, WITHDRAW = reverse("attendance:consent_agree"), reverse("attendance:consent_withdraw")
BIOMETRIC = {"purpose": "biometric", "version": "1"}


@pytest.fixture
def world() -> Any:
    with clock.frozen(STARTS):
        yield World()


@pytest.fixture
def client(world: World) -> Client:
    return signed_in(world.students[0].user)


def said(answer: Any) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in answer.context["messages"]]


def standing(answer: Any) -> dict[str, bool]:
    return {one["value"]: one["standing"] is not None for one in answer.context["purposes"]}


def test_a_withdrawn_biometric_consent_takes_the_templates_within_the_request_and_leaves_history(
    world: World, client: Client
) -> None:
    """Acceptance: the consent is withdrawn, the template is gone, marks, readings and consents stay."""
    student = world.students[0]
    client.post(AGREE, BIOMETRIC)
    for position in (0, 1):
        templates.enrol(
            student=student,
            kind="fingerprint",
            template="QUJD",
            position=position,
            by=world.office,
            now=STARTS,
        )
    world.open()
    world.punch(1)
    world.close()
    history = [
        list(AttendanceRecord.objects.values_list("pk", "status", "source")),
        list(DeviceEvent.objects.values_list("pk", "student")),
    ]
    assert "Kept of you:" in client.get(PAGE).content.decode()

    answer = client.post(WITHDRAW, {"purpose": "biometric"}, follow=True)

    assert said(answer) == [
        (
            "success",
            "Biometric identification: your consent is withdrawn. 2 templates were removed. "
            "Your attendance history stays.",
        )
    ]
    assert not BiometricTemplate.objects.exists()
    assert history == [
        list(AttendanceRecord.objects.values_list("pk", "status", "source")),
        list(DeviceEvent.objects.values_list("pk", "student")),
    ]
    consent = Consent.objects.get(user=student.user)
    assert (consent.granted_at, consent.withdrawn_at) == (STARTS, STARTS)
    assert [(event["given"], event["version"]) for event in answer.context["events"]] == [
        (True, "1"),
        (False, "1"),
    ]
    assert standing(answer)["biometric"] is False
    told = AuditEntry.objects.filter(action__in=["consent.withdraw", "template.remove_all"])
    assert (told.count(), told.values("operation_id").distinct().count()) == (2, 1)


def test_students_are_asked_everything_and_the_others_what_concerns_them(
    world: World, client: Client
) -> None:
    everything = ["biometric", "photo", "directory", "messaging", "leaderboard"]
    assert list(standing(client.get(PAGE))) == everything
    staff = signed_in(FacultyFactory(school=world.school).user)
    assert list(standing(staff.get(PAGE))) == ["photo", "directory", "messaging"]
    staff.post(AGREE, {"purpose": "photo", "version": "1"})
    assert standing(staff.get(PAGE)) == {"photo": True, "directory": False, "messaging": False}
    staff.post(WITHDRAW, {"purpose": "photo"})
    assert standing(staff.get(PAGE))["photo"] is False


def test_what_stands_although_nobody_is_asked_any_more_can_be_taken_back(world: World) -> None:
    teacher = FacultyFactory(school=world.school).user
    Consent.objects.create(user=teacher, purpose="leaderboard", text_version="1", granted_at=STARTS)
    client = signed_in(teacher)
    assert standing(client.get(PAGE))["leaderboard"] is True
    client.post(WITHDRAW, {"purpose": "leaderboard"})
    assert "leaderboard" not in standing(client.get(PAGE))


@pytest.mark.parametrize("role", [Role.INTEGRATOR, Role.SUPERUSER])
def test_programs_and_operators_agree_to_nothing(world: World, role: Role) -> None:
    user = UserFactory(school=None if role == Role.SUPERUSER else world.school, role=role)
    client = signed_in(user)
    for answer in (client.get(PAGE), client.post(AGREE, BIOMETRIC), client.post(WITHDRAW, BIOMETRIC)):
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"purpose": "profit", "version": "1"}, 400),
        ({"version": "1"}, 400),
        ({"purpose": "biometric"}, 400),
        ({"purpose": "biometric", "version": "x" * 33}, 400),
    ],
)
def test_there_is_nothing_else_to_agree_to(client: Client, form: dict[str, str], status: int) -> None:
    assert client.post(AGREE, form).status_code == status
    assert not Consent.objects.exists()


def test_staff_are_not_asked_for_their_fingerprints(world: World) -> None:
    answer = signed_in(FacultyFactory(school=world.school).user).post(AGREE, BIOMETRIC, follow=True)
    assert said(answer) == [("error", "There is no such purpose.")]
    assert not Consent.objects.exists()


def test_withdrawing_what_was_never_given_says_so(client: Client) -> None:
    answer = client.post(WITHDRAW, {"purpose": "photo"}, follow=True)
    assert said(answer) == [("success", "Photographs: there was no consent to withdraw.")]


class TestTheText:
    def test_each_purpose_has_one_for_agreeing_and_one_for_withdrawing(self) -> None:
        assert set(consent_texts.TEXTS) == set(ConsentPurpose.values)
        for texts in consent_texts.TEXTS.values():
            versions = [text.version for text in texts]
            assert len(set(versions)) == len(versions)
            assert all(str(text.agreed) and str(text.withdrawing) for text in texts)

    def test_a_new_version_is_agreed_to_anew_and_the_old_one_can_still_be_read(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client.post(AGREE, BIOMETRIC)
        old = consent_texts.TEXTS[ConsentPurpose.BIOMETRIC]
        new = ConsentText("2", "Also the canteen uses them.", "Both are removed.")
        monkeypatch.setitem(consent_texts.TEXTS, ConsentPurpose.BIOMETRIC, (*old, new))

        answer = client.get(PAGE)
        purpose = answer.context["purposes"][0]
        assert (purpose["renewed"], purpose["agreed"], purpose["text"]) == (True, old[0], new)
        for part in (str(old[0].agreed), "Also the canteen uses them.", "I agree to the new text"):
            assert part in answer.content.decode()

        stale = client.post(AGREE, BIOMETRIC, follow=True)
        assert said(stale) == [
            ("error", "Somebody changed this meanwhile. Load it again and repeat your change.")
        ]
        client.post(AGREE, {"purpose": "biometric", "version": "2"})
        assert sorted(Consent.objects.values_list("text_version", "withdrawn_at")) == [
            ("1", STARTS),
            ("2", None),
        ]

    def test_what_one_agreed_to_elsewhere_is_shown_without_its_words(
        self, world: World, client: Client
    ) -> None:
        Consent.objects.create(
            user=world.students[0].user, purpose="photo", text_version="paper 2024", granted_at=STARTS
        )
        answer = client.get(PAGE)
        (photo,) = [one for one in answer.context["purposes"] if one["value"] == "photo"]
        assert (photo["renewed"], photo["agreed"]) == (True, None)
        assert "version paper 2024 of the text" in answer.content.decode()


def test_costs_the_same_for_one_consent_as_for_three(world: World, client: Client) -> None:
    costs = []
    for purpose in ("biometric", "photo", "directory"):
        client.post(AGREE, {"purpose": purpose, "version": "1"})
        client.get(PAGE)
        with CaptureQueriesContext(connection) as captured:
            assert sum(standing(client.get(PAGE)).values()) == len(costs) + 1
        costs.append(len(captured))
    assert costs == [costs[0]] * 3
    assert costs[0] <= 12
