"""The pages of classes in figures: who is below the threshold, a section, a department.

Of the section's three students the first came twice, the second never, the third once late, once not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from academics.models import Section
from accounts.enums import Role
from attendance.services import summaries
from core import clock
from tests.attendance.classes import hold
from tests.colleges import College, signed_in
from tests.factories import (
    CourseFactory,
    EnrollmentFactory,
    SchoolFactory,
    SectionFactory,
    StudentFactory,
    TermFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

AFTER = datetime.fromisoformat("2026-11-04T10:00:00+00:00")
SHORTAGE = "/shortage/"
DEPARTMENT = "/department/"
LIMIT = 12


@pytest.fixture(autouse=True)
def two_classes(college: College) -> Iterator[None]:
    with clock.frozen(AFTER):
        teacher = college.session.faculty.get()
        for local, marks in (("2026-11-03 11:00", "PAL"), ("2026-11-04 11:00", "PAA")):
            hold(college.section, local, marks, college.students, teacher=teacher)
        summaries.refresh(now=AFTER)
        yield


def section_page(section: Section) -> str:
    return reverse("attendance:section", args=[section.pk])


def look(college: College, who: str, address: str, **query: Any) -> Any:
    return signed_in(college.user(who)).get(address, query)


def listed(page: Any) -> list[str]:
    assert page.status_code == 200, page.content
    return [row.student for row in page.context["page"]]


class TestShortage:
    def test_names_who_needs_most_first_with_what_brings_them_back(self, college: College) -> None:
        page = look(college, "teacher", SHORTAGE)

        assert listed(page) == [college.number(1), college.number(2)]
        text = page.content.decode()
        assert "Below 75 % in a course: 2" in text
        assert "attend the next 6" in text
        assert "50.00&nbsp;%" in text
        assert "1 of 2" in text

    def test_narrows_to_a_section_and_a_band(self, college: College) -> None:
        other = SectionFactory(school=college.school, course=college.section.course)

        assert len(listed(look(college, "admin", SHORTAGE, section=college.section.pk))) == 2
        assert listed(look(college, "admin", SHORTAGE, section=other.pk)) == []
        assert len(listed(look(college, "admin", SHORTAGE, band="shortage"))) == 2
        empty = look(college, "admin", SHORTAGE, band="condonable")
        assert listed(empty) == []
        assert "Nobody among those you chose" in empty.content.decode()

    def test_asks_for_a_department_whoever_may_see_one(self, college: College) -> None:
        code = college.department.code
        strange = SectionFactory(school=college.school, students=1)
        hold(strange, "2026-11-02 09:00", "A", [strange.enrollments.get().student])

        assert len(listed(look(college, "admin", SHORTAGE))) == 3
        assert len(listed(look(college, "admin", SHORTAGE, department=code))) == 2
        assert "department" in look(college, "head", SHORTAGE).context["form"].fields
        assert "department" not in look(college, "teacher", SHORTAGE).context["form"].fields

    def test_leads_to_the_section_and_to_the_department(self, college: College) -> None:
        code = college.department.code
        chosen = look(college, "admin", SHORTAGE, department=code).content.decode()

        assert f'href="{DEPARTMENT}?department={code}"' in chosen
        assert f'href="{DEPARTMENT}"' in look(college, "head", SHORTAGE).content.decode()
        mine = look(college, "teacher", SHORTAGE).content.decode()
        assert DEPARTMENT not in mine
        # Of two students, and once among the teacher's own.
        assert mine.count(f'href="{section_page(college.section)}"') == 3

    def test_says_so_where_nobody_is_below(self, college: College) -> None:
        page = look(college, "other_teacher", SHORTAGE)

        assert listed(page) == []
        assert "Nobody is below the threshold" in page.content.decode()

    @pytest.mark.parametrize("query", [{"section": "x"}, {"band": "clear"}, {"department": "nowhere"}])
    def test_refuses_what_it_did_not_offer(self, college: College, query: dict[str, str]) -> None:
        assert look(college, "admin", SHORTAGE, **query).status_code == 400

    def test_does_not_offer_sections_of_others(self, college: College, elsewhere: College) -> None:
        strange = SectionFactory(school=college.school)

        for unknown in (strange, elsewhere.section):
            assert look(college, "teacher", SHORTAGE, section=unknown.pk).status_code == 400
        assert look(college, "admin", SHORTAGE, section=elsewhere.section.pk).status_code == 400

    def test_has_pages(self, college: College) -> None:
        section = SectionFactory(school=college.school, students=31)
        students = [one.student for one in section.enrollments.order_by("student__enrollment_no")]
        hold(section, "2026-11-02 09:00", "A" * 31, students)

        assert len(listed(look(college, "admin", SHORTAGE, section=section.pk))) == 30
        assert len(listed(look(college, "admin", SHORTAGE, section=section.pk, page=2))) == 1

    def test_of_a_school_without_terms_is_empty(self) -> None:
        office = UserFactory(school=SchoolFactory(), role=Role.ADMIN)
        assert listed(signed_in(office).get(SHORTAGE)) == []


class TestSection:
    def test_shows_average_bands_distribution_weeks_and_everybody(self, college: College) -> None:
        page = look(college, "teacher", section_page(college.section))

        assert page.status_code == 200
        assert [(stat["label"], str(stat["value"])) for stat in page.context["stats"]] == [
            ("Class average", "50.00"),
            ("Clear", "1"),
            ("Condonable", "0"),
            ("Shortage", "2"),
        ]
        assert [bar["value"] for bar in page.context["distribution"]] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
        assert [(week["label"], str(week["value"]), week["note"]) for week in page.context["weeks"]] == [
            ("2 Nov", "50.00", "2 classes")
        ]
        assert [row.student for row in page.context["students"]] == [college.number(n) for n in range(3)]
        text = page.content.decode()
        assert "3 students" in text
        assert "2 classes held" in text
        # 10:00 in UTC.
        assert "Counted on 4 November, 15:30" in text

    def test_pictures_have_their_numbers_in_a_table(self, college: College) -> None:
        text = look(college, "teacher", section_page(college.section)).content.decode()

        assert text.count('<details class="ch-chart-table">') == 2
        assert '<th scope="row">90–100</th><td class="ch-number">1' in text
        assert '<th scope="row">2 Nov</th><td class="ch-number">50' in text

    def test_without_a_class_shows_dashes_and_never_a_zero_or_a_hundred(self, college: College) -> None:
        quiet = SectionFactory(school=college.school, students=2)
        page = look(college, "admin", section_page(quiet))

        text = page.content.decode()
        assert page.context["stats"][0]["value"] == "–"
        assert "0.00" not in text
        assert text.count("no class held yet") == 2
        assert "How the students are spread appears with the first class." in text

    @pytest.mark.parametrize(
        ("who", "status"),
        [
            ("student", 403),
            ("other_teacher", 403),
            ("teacher", 200),
            ("head", 200),
            ("admin", 200),
            ("integrator", 200),
        ],
    )
    def test_is_for_whoever_teaches_or_heads_it_and_the_office(
        self, college: College, who: str, status: int
    ) -> None:
        assert look(college, who, section_page(college.section)).status_code == status

    def test_of_another_school_is_not_there(self, college: College, elsewhere: College) -> None:
        for who in ("teacher", "head", "admin", "integrator"):
            assert look(elsewhere, who, section_page(college.section)).status_code == 404

    def test_of_an_earlier_term_shows_who_sat_in_it(self, college: College) -> None:
        earlier = TermFactory(
            school=college.school, name="2025-26", starts_on=date(2025, 8, 4), ends_on=date(2026, 4, 30)
        )
        old = SectionFactory(school=college.school, term=earlier)
        left = StudentFactory(school=college.school)
        EnrollmentFactory(section=old, student=left, left_on=date(2026, 6, 1))

        page = look(college, "admin", section_page(old))
        assert [row.student for row in page.context["students"]] == [left.enrollment_no]


class TestDepartment:
    def test_shows_its_head_every_section(self, college: College) -> None:
        page = look(college, "head", DEPARTMENT)

        assert page.status_code == 200
        (row,) = page.context["sections"]
        assert (row.section, row.students, row.sessions, str(row.percentage)) == (
            (college.section.pk, 3, 2, "50.00")
        )
        assert (row.bands.clear, row.bands.condonable, row.bands.shortage) == (1, 0, 2)
        assert [week["note"] for week in page.context["weeks"]] == ["2 classes"]

    def test_is_not_for_teachers_and_students(self, college: College) -> None:
        for who in ("student", "teacher", "other_teacher"):
            assert look(college, who, DEPARTMENT).status_code == 403

    def test_is_chosen_by_its_code(self, college: College, elsewhere: College) -> None:
        page = look(college, "admin", DEPARTMENT, department=college.department.code)
        assert page.context["department"] == college.department
        assert look(college, "admin", DEPARTMENT, department=elsewhere.department.code).status_code == 404
        assert look(college, "head", DEPARTMENT, department="nowhere").status_code == 404

    def test_a_school_without_one_is_told_so(self) -> None:
        office = UserFactory(school=SchoolFactory(), role=Role.ADMIN)
        assert "There is no department yet" in signed_in(office).get(DEPARTMENT).content.decode()


def test_the_overview_leads_to_the_sections(college: College) -> None:
    assert section_page(college.section) in look(college, "admin", "/").content.decode()


def test_figures_cost_the_same_for_one_section_as_for_many(college: College) -> None:
    pages = [("teacher", SHORTAGE), ("head", SHORTAGE), ("admin", SHORTAGE), ("head", DEPARTMENT)]
    pages += [("teacher", section_page(college.section)), ("admin", section_page(college.section))]

    def costs() -> list[int]:
        found = []
        for who, address in pages:
            client = signed_in(college.user(who))
            client.get(address)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            found.append(len(queries))
        return found

    one = costs()
    for _ in range(3):
        section = SectionFactory(
            school=college.school,
            course=CourseFactory(school=college.school, department=college.department),
            students=4,
        )
        section.teachers.add(college.session.faculty.get())
        students = [one.student for one in section.enrollments.order_by("student__enrollment_no")]
        hold(section, "2026-11-02 09:00", "PLAA", students)
        for student in students:
            EnrollmentFactory(section=college.section, student=student)
    summaries.refresh(now=AFTER)

    assert costs() == one
    assert max(one) <= LIMIT
