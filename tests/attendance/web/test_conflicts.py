"""The page where conflicts are decided, and where refused marks are found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, Session, SyncConflict
from attendance.selectors import sync_conflicts as shown
from attendance.services.marking import Mark, bulk_mark
from core import clock
from core.ids import uuid7
from tests.attendance.scans import students_of
from tests.attendance.uploads import conflict_of, entry, send
from tests.colleges import College, make_college, signed_in
from tests.factories import SectionFactory, SessionFactory
from tests.factories.attendance import STARTS

pytestmark = pytest.mark.django_db

PAGE = reverse("attendance:conflicts")
CHOSEN = reverse("attendance:conflicts_resolve_chosen")


@pytest.fixture(autouse=True)
def half_past_nine() -> Iterator[None]:
    with clock.frozen(STARTS + timedelta(minutes=30)):
        yield


@pytest.fixture
def college() -> College:
    return make_college(open=True)


@pytest.fixture
def teacher(college: College) -> Client:
    return signed_in(college.teacher)


def a_conflict(college: College, index: int = 0) -> SyncConflict:
    """Late stands, by the office; absent was made before it by the teacher."""
    return conflict_of(college.session, college.students[index], now=STARTS, office=college.admin)


def version_of(conflict: SyncConflict) -> str:
    (view,) = shown.describe(list(shown.with_people(SyncConflict.objects.filter(pk=conflict.pk))))
    return view.version


def address(conflict: SyncConflict) -> str:
    return reverse("attendance:conflict_resolve", args=[conflict.pk])


def said(answer: Any) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in answer.context["messages"]]


def words(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_a_conflict_is_shown_with_all_that_one_has_to_know(college: College, teacher: Client) -> None:
    a_conflict(college)

    text = words(teacher.get(PAGE))

    student = college.students[0]
    for part in (
        student.user.full_name,
        student.enrollment_no,
        college.section.course.title,
        college.admin.full_name,
        "3 Nov, 09:09:00",
        "phone-1",
        college.teacher.full_name,
        "3 Nov, 09:03:00",
        "tablet-7",
        "Keep “Late”",
        "Take “Absent”",
    ):
        assert part in text, part
    assert "Changed since" not in text


@pytest.mark.parametrize(
    ("keep", "status", "message"),
    [
        ("existing", "late", "{name}: the mark stays as it is."),
        ("incoming", "absent", "{name}: marked as on the device."),
    ],
)
def test_one_is_decided_and_the_list_comes_back_as_it_was(
    college: College, teacher: Client, keep: str, status: str, message: str
) -> None:
    conflict = a_conflict(college)

    answer = teacher.post(
        f"{address(conflict)}?page=2", {"keep": keep, "version": version_of(conflict)}, follow=True
    )

    assert answer.redirect_chain == [(f"{PAGE}?page=2", 302)]
    assert said(answer) == [("success", message.format(name=conflict.student.user.full_name))]
    assert AttendanceRecord.objects.get().status == status
    assert list(answer.context["rows"]) == []
    decided = teacher.get(PAGE, {"state": "decided"})
    assert [row["conflict"].kept for row in decided.context["rows"]] == [keep]
    assert college.teacher.full_name in words(decided)


def test_a_mark_that_changed_meanwhile_is_shown_before_it_is_replaced(
    college: College, teacher: Client
) -> None:
    conflict = a_conflict(college)
    seen = version_of(conflict)
    mark = Mark(conflict.student.enrollment_no, "present")
    bulk_mark(session=college.session, marks=[mark], by=college.admin, now=clock.now())

    answer = teacher.post(address(conflict), {"keep": "incoming", "version": seen}, follow=True)

    ((level, text),) = said(answer)
    assert (level, "Somebody changed this meanwhile" in text) == ("error", True)
    assert "Keep “Present”" in words(answer)
    assert "Changed since this arrived: then it was “Late”, made at 09:09." in words(answer)
    assert AttendanceRecord.objects.get().status == "present"


def test_many_are_decided_at_once_and_those_that_cannot_be_are_named(
    college: College, teacher: Client
) -> None:
    found = [a_conflict(college, index) for index in range(3)]
    boxes = [f"{conflict.pk} {version_of(conflict)}" for conflict in found]
    mark = Mark(found[1].student.enrollment_no, "present")
    bulk_mark(session=college.session, marks=[mark], by=college.admin, now=clock.now())

    answer = teacher.post(
        CHOSEN, {"keep": "incoming", "conflicts": [*boxes, str(uuid7()), "nonsense"]}, follow=True
    )

    ((level, text),) = said(answer)
    assert level == "warning"
    assert text.startswith("2 conflicts are decided. 2 could not be:")
    assert f"{found[1].student.user.full_name}: Somebody changed this meanwhile." in text
    assert list(
        AttendanceRecord.objects.order_by("student__enrollment_no").values_list("status", flat=True)
    ) == ["absent", "present", "absent"]


def test_nothing_ticked_and_too_many_are_refused(college: College, teacher: Client) -> None:
    assert said(teacher.post(CHOSEN, {"keep": "existing"}, follow=True)) == [
        ("error", "Tick the conflicts that you want to decide.")
    ]
    many = [str(uuid7()) for _ in range(13)]
    assert teacher.post(CHOSEN, {"keep": "existing", "conflicts": many}).status_code == 400


def test_a_locked_class_is_decided_by_the_office(college: College, teacher: Client) -> None:
    conflict = a_conflict(college)
    Session.objects.filter(pk=college.session.pk).update(status=SessionStatus.LOCKED)
    office = signed_in(college.admin)

    page = teacher.get(PAGE)
    assert "The class is locked: the office decides." in words(page)
    assert page.context["rows"][0]["may_decide"] is False
    assert "taking the other mark needs a reason" in words(office.get(PAGE))
    refused = office.post(address(conflict), {"keep": "incoming"}, follow=True)
    assert "Say why" in said(refused)[0][1]
    done = office.post(address(conflict), {"keep": "incoming", "reason": "Asked both"}, follow=True)
    assert said(done)[0][0] == "success"


def test_refused_marks_are_listed_with_the_reason_in_words(college: College, teacher: Client) -> None:
    late = entry(college.session, college.students[1], at=STARTS - timedelta(hours=3))
    nobody = entry(college.session, "NOBODY", at=STARTS)
    send([late, nobody], by=college.teacher, now=clock.now())

    below, alone = teacher.get(PAGE), teacher.get(PAGE, {"state": "refused"})

    for answer in (below, alone):
        text = words(answer)
        assert "It was uploaded too long after it had been made." in text
        assert "The student is not on the roster of this class." in text
        assert college.students[1].user.full_name in text
        assert "NOBODY" in text
    assert "Nothing to decide" in words(below)
    assert "All that were refused" not in words(below)


def test_of_many_refused_marks_the_newest_are_below_and_all_on_a_list(
    college: College, teacher: Client
) -> None:
    send(
        [entry(college.session, f"NOBODY{n}", at=STARTS) for n in range(13)],
        by=college.teacher,
        now=clock.now(),
    )

    below = teacher.get(PAGE)
    assert len(below.context["refused"]) == 10
    assert "All that were refused" in words(below)
    assert len(teacher.get(PAGE, {"state": "refused", "page": 2}).context["refused"]) == 1


def test_the_page_says_so_when_there_is_nothing(college: College, teacher: Client) -> None:
    assert "Nothing to decide" in words(teacher.get(PAGE))
    assert "Nothing was decided yet" in words(teacher.get(PAGE, {"state": "decided"}))
    assert "Nothing was refused" in words(teacher.get(PAGE, {"state": "refused"}))


def test_the_roster_of_a_class_says_that_it_has_conflicts_and_leads_to_them(
    college: College, teacher: Client
) -> None:
    roster = reverse("attendance:roster", args=[college.session.pk])
    assert "wait for a decision" not in words(teacher.get(roster))
    a_conflict(college)
    a_conflict(college, 1)
    other = SessionFactory(
        section=SectionFactory(school=college.school, students=1),
        teacher=college.session.faculty.get(),
        starts_at=STARTS + timedelta(hours=2),
        open=True,
    )
    (student,) = students_of(other)
    conflict_of(other, student, now=other.starts_at, office=college.admin)

    text = words(teacher.get(roster))
    assert "2 marks made without network wait for a decision." in text
    link = f"{PAGE}?session={college.session.pk}"
    assert link in text
    only = teacher.get(link)
    assert {row["conflict"].session_id for row in only.context["rows"]} == {college.session.pk}
    assert "Show all classes" in words(only)
    assert len(teacher.get(PAGE).context["rows"]) == 3
    assert len(teacher.get(PAGE, {"session": "nonsense"}).context["rows"]) == 3


def test_the_navigation_counts_what_waits(college: College, teacher: Client) -> None:
    a_conflict(college)

    assert shown.waiting_for(college.teacher) == 1
    assert "1 is waiting" in words(teacher.get(reverse("accounts:more")))


@pytest.mark.parametrize("who", ["teacher", "admin"])
@pytest.mark.parametrize("state", ["open", "decided", "refused"])
def test_the_page_costs_the_same_for_one_row_as_for_three(college: College, state: str, who: str) -> None:
    client = signed_in(college.user(who))

    def add(index: int) -> None:
        conflict = a_conflict(college, index)
        if state == "decided":
            client.post(address(conflict), {"keep": "existing"})
        bad = entry(college.session, college.students[index], at=STARTS - timedelta(hours=3))
        send([bad], by=college.teacher, now=clock.now())

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PAGE, {"state": state}).status_code == 200
        return len(queries)

    add(0)
    one = cost()
    add(1)
    add(2)
    assert cost() == one <= 12
