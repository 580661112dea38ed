"""What students ask for, in Django admin: read by whom it concerns, decided by actions that call the services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from attendance.models import AttendanceRecord, CondonationRequest, CorrectionRequest, Session
from tests.admin.pages import act, entry, url
from tests.attendance.evidence import PDF
from tests.attendance.scans import students_of
from tests.colleges import signed_in
from tests.factories import (
    CondonationFactory,
    CorrectionFactory,
    DepartmentFactory,
    FacultyFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def correction(begun: Session) -> CorrectionRequest:
    """The first student, present in an open class, came late."""
    return CorrectionFactory(
        session=begun,
        student=students_of(begun)[0],
        old_status="present",
        requested_status="late",
        file=ContentFile(PDF, name="note"),
        file_name="note.pdf",
        file_type="application/pdf",
    )


@pytest.fixture
def condonation(session: Session) -> CondonationRequest:
    return CondonationFactory(section=session.sections.get(), student=students_of(session)[0])


class TestCorrections:
    def test_whoever_runs_the_class_approves_and_the_mark_changes(
        self, begun: Session, correction: CorrectionRequest
    ) -> None:
        teacher = signed_in(begun.faculty.get().user)

        said = act(teacher, CorrectionRequest, "approve_corrections", correction, reason="I remember")

        assert said == ["Done for 1."]
        correction.refresh_from_db()
        assert (correction.status, correction.remarks) == ("approved", "I remember")
        assert AttendanceRecord.objects.get().status == "late"
        assert entry("correction.approve").operation_id == entry("record.update").operation_id

    def test_rejecting_leaves_the_mark(self, office: Client, correction: CorrectionRequest) -> None:
        assert act(office, CorrectionRequest, "reject_corrections", correction) == ["Done for 1."]

        correction.refresh_from_db()
        assert correction.status == "rejected"
        assert AttendanceRecord.objects.get().status == "present"

    def test_a_refusal_of_the_service_is_told(self, office: Client, correction: CorrectionRequest) -> None:
        act(office, CorrectionRequest, "reject_corrections", correction)

        (said,) = act(office, CorrectionRequest, "approve_corrections", correction)

        assert said.endswith("This cannot go from “Rejected” to “Approved”.")

    @pytest.mark.parametrize("action", ["approve_corrections", "reject_corrections"])
    def test_who_teaches_the_students_otherwise_sees_it_and_may_not_decide(
        self, begun: Session, correction: CorrectionRequest, action: str
    ) -> None:
        """Somebody else who teaches the same section."""
        other = FacultyFactory(school=begun.school)
        begun.sections.get().teachers.add(other)

        said = act(signed_in(other.user), CorrectionRequest, action, correction)

        assert said == [f"{correction}: you may not do that."]
        correction.refresh_from_db()
        assert correction.status == "pending"

    def test_the_reason_and_the_file_are_for_who_has_a_say(
        self, begun: Session, office: Client, correction: CorrectionRequest
    ) -> None:
        other = FacultyFactory(school=begun.school)
        begun.sections.get().teachers.add(other)
        address = url(CorrectionRequest, "change", correction.pk)
        link = reverse("attendance-correction-file", args=[correction.pk])

        for client, readable in ((office, True), (signed_in(other.user), False)):
            page = client.get(address)
            assert page.status_code == 200
            for text in ("I sat in the last row", "note.pdf", link):
                assert (text in page.content.decode()) is readable, text
            assert correction.file.name not in page.content.decode()

    def test_nothing_is_written_by_hand(self, office: Client, correction: CorrectionRequest) -> None:
        address = url(CorrectionRequest, "change", correction.pk)
        assert office.post(address, {"status": "approved"}).status_code == 403
        assert (
            office.post(url(CorrectionRequest, "delete", correction.pk), {"post": "yes"}).status_code == 403
        )
        correction.refresh_from_db()
        assert correction.status == "pending"


class TestCondonations:
    def test_the_head_recommends_and_the_office_approves(
        self, session: Session, office: Client, condonation: CondonationRequest
    ) -> None:
        head = FacultyFactory(school=session.school)
        department = DepartmentFactory(school=session.school, head=head)
        type(condonation.student).objects.filter(pk=condonation.student_id).update(department=department)

        (waits,) = act(office, CondonationRequest, "approve_condonations", condonation)
        assert waits.endswith("The head of department has not recommended this yet.")
        done = ["Done for 1."]
        assert act(signed_in(head.user), CondonationRequest, "recommend_condonations", condonation) == done
        assert act(office, CondonationRequest, "approve_condonations", condonation, reason="Paid") == done

        condonation.refresh_from_db()
        assert (condonation.status, condonation.recommended_by, condonation.remarks) == (
            "approved",
            head.user,
            "Paid",
        )

    def test_the_office_refuses(self, office: Client, condonation: CondonationRequest) -> None:
        assert act(office, CondonationRequest, "reject_condonations", condonation) == ["Done for 1."]

        condonation.refresh_from_db()
        assert condonation.status == "rejected"

    @pytest.mark.parametrize(
        "action", ["recommend_condonations", "approve_condonations", "reject_condonations"]
    )
    def test_who_only_teaches_the_student_decides_nothing(
        self, session: Session, condonation: CondonationRequest, action: str
    ) -> None:
        teacher = signed_in(session.faculty.get().user)

        assert act(teacher, CondonationRequest, action, condonation) == [
            f"{condonation}: you may not do that."
        ]
        page = teacher.get(url(CondonationRequest, "change", condonation.pk))
        assert (page.status_code, "Two weeks in hospital" in page.content.decode()) == (200, False)

    def test_another_schools_office_finds_nothing(self, condonation: CondonationRequest) -> None:
        stranger = signed_in(UserFactory())

        assert stranger.get(url(CondonationRequest, "change", condonation.pk)).status_code == 404
        assert stranger.get(url(CondonationRequest, "changelist")).context["cl"].result_count == 0
