"""The main job end to end: from the files of a college to a percentage that a hand can check."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from playwright.sync_api import BrowserContext, Page, expect

from academics.models import Student
from accounts.enums import Role
from accounts.models import School, User
from attendance.models import AttendanceRecord, Session
from attendance.services import configuration, holiday_import, sessions
from attendance.services.generation import generate
from attendance.services.marking import Mark, bulk_mark
from tests.browser.campus import DATA, IMPORTED
from tests.browser.pages import OpenPage
from tests.browser.screens import code_on
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

#: Tuesday 3 November 2026, 09:00 and 14:00, and Friday 6 November, 14:00, in Asia/Kolkata.
EARLIER = [datetime(2026, 11, 3, 3, 30, tzinfo=UTC), datetime(2026, 11, 3, 8, 30, tzinfo=UTC)]
CLASS = datetime(2026, 11, 6, 8, 30, tzinfo=UTC)

# Data Structures of CSE-A, worked out by hand: late counts half, so the percentage is (P + L/2) of 3 classes,
# rounded half up to two decimals. The first two classes were marked by the teacher; the third is scanned here by
# the first seventeen, the last two of them late; three stay away.
TABLE = [
    # marks   per cent
    ("P P P", "100.00"),
    ("P A P", "66.67"),
    ("A L P", "50.00"),
    ("A A P", "33.33"),
    ("P P P", "100.00"),
    ("P A P", "66.67"),
    ("A L P", "50.00"),
    ("A A P", "33.33"),
    ("P P P", "100.00"),
    ("P A P", "66.67"),
    ("A L P", "50.00"),
    ("A A P", "33.33"),
    ("P P P", "100.00"),
    ("P A P", "66.67"),
    ("A L P", "50.00"),
    ("A A L", "16.67"),
    ("P P L", "83.33"),
    ("P A A", "33.33"),
    ("A L A", "16.67"),
    ("A A A", "0.00"),
]
LETTERS = {"P": "present", "L": "late", "A": "absent"}


@pytest.fixture
def school(site: str, at: Callable[[datetime], None]) -> School:
    """The college as its office sets it up in October, by the commands, before a generated November."""
    at(IMPORTED)
    call_command("create_school", "SAGAR", "Sagar College of Engineering", subdivision="AP")
    school = School.objects.get()
    office = UserFactory(school=school, role=Role.ADMIN, username="office@sagar")
    call_command("create_term", "2026-27", "2026-08-03", "2027-04-30")
    for command, name in (
        ("import_roster", "students.csv"),
        ("import_roster", "faculty.csv"),
        ("import_timetable", "timetable.csv"),
    ):
        call_command(command, str(DATA / name), create_missing=True)
    holidays = (DATA / "holidays.ics").read_bytes()
    holiday_import.import_ics(school=school, content=holidays, by=office, now=IMPORTED)
    rules = configuration.ensure(school)
    configuration.update(configuration=rules, changes={"late_weight": "0.50"}, by=office, now=IMPORTED)
    generate(school=school, start=date(2026, 11, 1), end=date(2026, 11, 30), by=office, now=IMPORTED)
    return school


@pytest.fixture
def students(school: School) -> list[Student]:
    found = Student.objects.filter(cohort__code="CSE-A").select_related("user").order_by("enrollment_no")
    assert len(found) == len(TABLE)
    return list(found)


def _class_at(starts_at: datetime) -> Session:
    return Session.objects.get(starts_at=starts_at, sections__cohort__code="CSE-A")


def _hold_earlier_classes(students: list[Student]) -> None:
    for number, starts_at in enumerate(EARLIER):
        session = _class_at(starts_at)
        teacher = session.faculty.get().user
        marks = [
            Mark(student.enrollment_no, LETTERS[row.split()[number]])
            for student, (row, _percentage) in zip(students, TABLE, strict=True)
        ]
        sessions.open_session(session=session, by=teacher, now=starts_at)
        bulk_mark(session=session, marks=marks, by=teacher, now=starts_at)
        sessions.close_session(session=session, by=teacher, now=session.ends_at)


def _scan(screen: Page, context: BrowserContext, answer: str) -> None:
    """What a student does: point the camera at the screen, open the link, tap once."""
    phone = context.new_page()
    phone.goto(urlsplit(code_on(screen)).path)
    phone.get_by_role("button", name="I am here").click()
    expect(phone.get_by_role("heading", name=answer)).to_be_visible()
    phone.close()


def _on_home(context: BrowserContext) -> str:
    page = context.new_page()
    page.goto("/")
    course = page.locator(".ch-attendance", has_text="Data Structures")
    shown = course.locator(".ch-attendance-value").inner_text()
    page.close()
    return shown.replace("\N{NO-BREAK SPACE}", " ").removesuffix(" %")


def _in_api(context: BrowserContext) -> str:
    """The digits as they travel: the number's own text, which has two decimals at most (JSON drops final zeros)."""
    text = context.request.get("/api/v1/attendance/statistics/student-summary/").text()
    (course,) = re.findall(r'\{"course":\{"code":"CS301".*?"percentage":([0-9]+(?:\.[0-9]{1,2})?)[,}]', text)
    return f"{Decimal(course):.2f}"


def _in_admin(page: Page) -> dict[str, str]:
    """Enrollment number to percentage, as the list of figures shows them."""
    page.goto("/admin/attendance/attendancestatistics/?q=CS301")
    rows = page.locator("#result_list tbody tr")
    texts = [
        (row.locator(".field-student").inner_text(), row.locator(".field-percentage").inner_text())
        for row in rows.all()
    ]
    return {student.split()[0]: percentage for student, percentage in texts}


def test_files_become_a_class_and_a_class_becomes_percentages(
    school: School,
    students: list[Student],
    open_page: OpenPage,
    new_context: Callable[..., BrowserContext],
    at: Callable[[datetime], None],
) -> None:
    _hold_earlier_classes(students)
    session = _class_at(CLASS)
    teacher: User = session.faculty.get().user
    contexts = [new_context(student.user, width=360) for student in students]

    at(CLASS + timedelta(seconds=30))
    screen = open_page("/", teacher)
    row = screen.locator(".ch-class").filter(has=screen.locator("time", has_text="14:00"))
    row.get_by_role("button", name="Start").click()
    expect(screen.locator("span[data-total]")).to_have_text("20")

    for context in contexts[:15]:
        at(CLASS + timedelta(seconds=90))  # a slow machine makes nobody late
        screen.reload()
        _scan(screen, context, "Present")
    for context in contexts[15:17]:
        at(CLASS + timedelta(minutes=7))  # the grace of five minutes is over
        screen.reload()
        _scan(screen, context, "Late")
    expect(screen.locator("[data-here]")).to_have_text("17")

    screen.get_by_role("button", name="Close class").click()
    screen.get_by_role("dialog").get_by_role("button", name="Close class").click()
    expect(screen.get_by_role("region", name="Summary")).to_be_visible()

    _agree(session, students, contexts, open_page)


def _agree(
    session: Session, students: list[Student], contexts: list[BrowserContext], open_page: OpenPage
) -> None:
    """Marks and percentages everywhere are those of the table, to the last digit."""
    marks: dict[str, Any] = dict(
        AttendanceRecord.objects.filter(session=session).values_list("student__enrollment_no", "status")
    )
    third = [LETTERS[row.split()[2]] for row, _percentage in TABLE]
    assert [marks[student.enrollment_no] for student in students] == third
    by_hand = [percentage for _row, percentage in TABLE]
    assert [_on_home(context) for context in contexts] == by_hand
    assert [_in_api(context) for context in contexts] == by_hand
    office = User.objects.get(username="office@sagar")
    listed = _in_admin(open_page("/admin/", office))
    assert [listed[student.enrollment_no] for student in students] == by_hand
