"""Anomalies in the API: the list with its filters, dismissing, and taking that back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from attendance.models import AnomalyDismissal, Session
from tests.attendance.anomaly_world import a_class, scan
from tests.attendance.scans import students_of
from tests.colleges import client_of, refusal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("held_clock")]

ANOMALIES = "/api/v1/attendance/anomalies/"


@pytest.fixture
def session(now: datetime) -> Session:
    session = a_class()
    scan(session, students_of(session)[0], at=now, north=900)
    return session


@pytest.fixture
def teacher(session: Session) -> APIClient:
    return client_of(session.faculty.get().user)


def rows(client: APIClient, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(ANOMALIES + query).json()["results"]
    return found


def test_a_case_says_what_was_seen_who_where_why_and_what_to_do(session: Session, teacher: APIClient) -> None:
    student = students_of(session)[0]
    (row,) = rows(teacher)
    assert row["figures"].pop("metres") == pytest.approx(900, abs=1)
    assert row == {
        "kind": "outside",
        "subject": str(session.pk),
        "at": "2026-11-03T09:00:00+05:30",
        "session": {
            "id": str(session.pk),
            "course": session.sections.get().course.title,
            "sections": session.sections.get().group,
            "held_on": "2026-11-03",
            "starts_at": "2026-11-03T09:00:00+05:30",
        },
        "students": [{"enrollment_no": student.enrollment_no, "name": student.user.full_name}],
        "seen": "1 student, up to 900 m from the room (allowed: 100 m).",
        "why": "The code may have been sent to somebody who was not in the room.",
        "to_do": "They were not marked. Ask how they came by the code.",
        "figures": {"radius": 100.0},
        "dismissal": None,
    }


def test_the_list_is_narrowed_and_what_is_not_understood_is_refused(
    session: Session, teacher: APIClient
) -> None:
    section = session.sections.get().pk
    assert [len(rows(teacher, query)) for query in (
        "?kind=outside", "?kind=edge", f"?section={section}", f"?session={session.pk}&kind=outside",
        "?from=2026-11-03&until=2026-11-03", "?from=2026-10-10&until=2026-11-02", "?dismissed=true",
    )] == [1, 0, 1, 1, 1, 0, 0]  # fmt: skip
    for query, status, code, attr in (
        ("?kind=x", 400, "invalid_choice", "kind"),
        ("?from=2026-01-01&until=2026-11-02", 400, "invalid", "until"),
        ("?until=x", 400, "invalid", "until"),
        ("?section=x", 400, "invalid", "section"),
        ("?color=red", 400, "unknown_filter", "color"),
    ):
        assert refusal(teacher.get(ANOMALIES + query)) == (status, code, attr)


def test_a_case_is_dismissed_once_and_taken_back(session: Session, teacher: APIClient) -> None:
    sent = {"kind": "outside", "subject": str(session.pk), "remark": "Sports day"}
    first = teacher.post(f"{ANOMALIES}dismiss/", sent).json()
    assert (first["remark"], first["undone_at"]) == ("Sports day", None)
    assert teacher.post(f"{ANOMALIES}dismiss/", sent).json()["id"] == first["id"]
    assert rows(teacher) == []
    (fine,) = rows(teacher, "?dismissed=true")
    assert fine["dismissal"]["id"] == first["id"]

    undone = teacher.post(f"{ANOMALIES}{first['id']}/undo/").json()

    assert undone["undone_at"] is not None
    assert len(rows(teacher)) == 1
    assert AnomalyDismissal.objects.count() == 1


def test_what_is_not_there_cannot_be_dismissed(session: Session, teacher: APIClient) -> None:
    sent = {"kind": "edge", "subject": str(session.pk)}
    assert refusal(teacher.post(f"{ANOMALIES}dismiss/", sent)) == (404, "not_found", None)


@pytest.mark.parametrize("students", [1, 3])
def test_costs_the_same_for_one_and_for_three(
    session: Session, teacher: APIClient, now: datetime, students: int, django_assert_num_queries: Any
) -> None:
    for student in students_of(session)[1:students]:
        scan(session, student, at=now, device_key="phone")
    with django_assert_num_queries(8):
        teacher.get(ANOMALIES)
