"""Exports through the API: what is in the files, who gets which, and jobs."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from academics.models import Section
from accounts.enums import Role
from attendance.models import AttendanceRecord, ExportJob
from attendance.selectors.shortage import Shortages
from attendance.services import exports
from audit.models import AuditEntry
from core import clock, limits
from core.crypto import fingerprint
from core.models import OutboxMessage
from tests.attendance.classes import hold
from tests.attendance.export_world import (
    MONTH,
    TODAY,
    ExportWorld,
    build,
    content_of,
    never_exported,
    read_csv,
)
from tests.colleges import client_of, refusal
from tests.core.test_sheets import read_xlsx
from tests.factories import SchoolFactory, SectionFactory, UserFactory

pytestmark = pytest.mark.django_db

DATA = "/api/v1/attendance/export/data/"
JOBS = "/api/v1/attendance/export/jobs/"
NOW = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_the_end_of_the_month(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path
    settings.CAMPUSHUB_THROTTLE_RATES = dict.fromkeys(["user", "bulk", "scan", "export"], "100000/s")
    limits.forget_local()
    with clock.frozen(NOW):
        yield
    limits.forget_local()


@pytest.fixture
def world() -> ExportWorld:
    return build()


def ask(user: Any, kind: str, as_: str = "csv", filters: Any = None, **more: Any) -> Any:
    return client_of(user).post(DATA, {"kind": kind, "format": as_, "filters": filters or {}, **more})


def table(user: Any, kind: str, filters: Any = None, **more: Any) -> list[dict[str, str]]:
    answer = ask(user, kind, "csv", filters, **more)
    assert answer.status_code == 200, answer.content
    return read_csv(content_of(answer))


def pages(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [page.extract_text() for page in PdfReader(io.BytesIO(content_of(answer))).pages]


class TestRecords:
    def test_each_mark_is_a_row_by_day_class_and_number(self, world: ExportWorld) -> None:
        found = table(world.teacher, "records", {"from": "2026-11-02", "to": "2026-11-02"})

        assert found[0] == {
            "date": "2026-11-02", "starts": "09:00:00", "ends": "09:50:00", "course": "CS302",
            "course_title": "Data Structures", "section": "CSE-A", "enrollment_no": "24CSE001",
            "name": "'=HYPERLINK(1)", "status": "present", "source": "manual", "offline": "false",
            "marked_at": "2026-11-02T09:00:00+05:30", "checked_out_at": "",
            "marked_by": world.teacher.full_name, "remarks": "",
        }  # fmt: skip
        assert [(row["enrollment_no"], row["status"]) for row in found] == [
            ("24CSE001", "present"), ("24CSE002", "late"), ("24CSE003", "absent"), ("24CSE004", "excused"),
        ]  # fmt: skip

    def test_filters_narrow_it_and_add_up(self, world: ExportWorld) -> None:
        assert len(table(world.office, "records")) == AttendanceRecord.objects.count() == 16
        assert len(table(world.office, "records", {"status": ["absent", "late"]})) == 6
        assert len(table(world.office, "records", {"source": ["qr"]})) == 0
        assert len(table(world.office, "records", {"student": "24cse002"})) == 4
        assert (
            len(table(world.office, "records", {"section": str(world.section.pk), "to": "2026-10-31"})) == 4
        )
        assert len(table(world.office, "records", {"department": "cse", "course": "cs302"})) == 16

    def test_xlsx_has_dates_words_and_heads_for_people(self, world: ExportWorld) -> None:
        answer = ask(world.teacher, "records", "xlsx", {"from": "2026-11-02", "to": "2026-11-02"})
        rows, sheet = read_xlsx(content_of(answer))

        assert (
            answer["Content-Disposition"]
            == 'attachment; filename="attendance-records_2026-11-02_2026-11-02.xlsx"'
        )
        assert rows[0][:3] == ["Date", "Starts", "Ends"]
        assert rows[1][:8] == [46328.0, 0.375, 0.4097222222222222, "CS302", "Data Structures", "CSE-A",
                               "24CSE001", "'=HYPERLINK(1)"]  # fmt: skip
        assert "Present" in rows[1]
        assert "<f>" not in sheet

    def test_pdf_is_a_table_with_pages_numbered(self, world: ExportWorld) -> None:
        (page,) = pages(ask(world.teacher, "records", "pdf", {"from": "2026-11-02", "to": "2026-11-02"}))
        assert "Attendance records" in page
        assert "24CSE004" in page
        assert "Asha Rao" in page
        assert "1 / 1" in page


class TestRegister:
    def test_csv_has_a_column_for_each_class_and_the_counts(self, world: ExportWorld) -> None:
        found = table(world.teacher, "register", {"section": str(world.section.pk), "month": MONTH})

        assert found[1] == {
            "enrollment_no": "24CSE002", "name": "మౌనిక నాయుడు", "2026-11-02 09:00": "L", "2026-11-03 09:00": "P",
            "2026-11-09 11:00": "P", "present": "2", "late": "1", "absent": "0", "excused": "0", "attended": "4",
            "counted": "4", "percentage": "100.00",
        }  # fmt: skip
        # Counted are the classes since the term began: the month shows what was in it.
        assert [(row["present"], row["absent"], row["counted"], row["percentage"]) for row in found] == [
            ("2", "1", "4", "75.00"), ("2", "0", "4", "100.00"), ("0", "3", "4", "25.00"), ("1", "1", "3", "66.67"),
        ]  # fmt: skip

    def test_a_later_month_does_not_change_an_earlier_register(self, world: ExportWorld) -> None:
        october = {"section": str(world.section.pk), "month": "2026-10"}
        assert {row["percentage"] for row in table(world.teacher, "register", october)} == {"100.00"}
        assert {row["counted"] for row in table(world.teacher, "register", october)} == {"1"}

    def test_classes_that_do_not_count_are_not_in_it(self, world: ExportWorld) -> None:
        session = world.section.sessions.order_by("starts_at").last()
        assert session is not None
        session.status = "void"
        session.save()
        found = table(world.teacher, "register", {"section": str(world.section.pk), "month": MONTH})
        assert "2026-11-09 11:00" not in found[0]
        assert found[0]["counted"] == "3"

    def test_who_left_within_the_month_is_in_it_and_who_left_before_is_not(self, world: ExportWorld) -> None:
        world.section.enrollments.filter(student=world.students[3]).update(left_on="2026-11-01")
        world.section.enrollments.filter(student=world.students[2]).update(left_on="2026-11-05")
        AttendanceRecord.objects.filter(student=world.students[3]).delete()
        found = table(world.teacher, "register", {"section": str(world.section.pk), "month": MONTH})
        assert [row["enrollment_no"] for row in found] == ["24CSE001", "24CSE002", "24CSE003"]

    def test_who_moved_on_the_day_they_came_is_not_in_it(self, world: ExportWorld) -> None:
        day = "2026-11-05"
        world.section.enrollments.filter(student=world.students[3]).update(joined_on=day, left_on=day)
        AttendanceRecord.objects.filter(student=world.students[3]).delete()
        found = table(world.teacher, "register", {"section": str(world.section.pk), "month": MONTH})
        assert [row["enrollment_no"] for row in found] == ["24CSE001", "24CSE002", "24CSE003"]

    def test_the_page_says_what_a_college_register_says(self, world: ExportWorld) -> None:
        answer = ask(world.teacher, "register", "pdf", {"section": str(world.section.pk), "month": MONTH})
        assert answer["Content-Disposition"] == 'attachment; filename="register_CS302_CSE-A_2026-11.pdf"'
        (page,) = pages(answer)
        for word in ("Godavari College", "Computer Science", "Attendance register", "November 2026", "CS302",
                     "CSE-A", world.teacher.full_name, world.head.full_name, "Faculty, date",
                     "Head of department, date", "24CSE004", "66.67", "Present or late", "1 / 1"):  # fmt: skip
            assert word in page, word

    def test_sixty_students_and_a_month_of_classes_take_two_pages(self, world: ExportWorld) -> None:
        section = SectionFactory(school=world.school, students=60, faculty=world.section.faculty)
        students = [one.student for one in section.enrollments.order_by("student__enrollment_no")]
        hold(section, "2026-11-10 15:00", "P" * 59 + "A", students)
        found = pages(ask(world.teacher, "register", "pdf", {"section": str(section.pk), "month": MONTH}))

        assert len(found) == 2
        # The heads stand on both, the signatures once.
        assert [("Enrollment no." in page, "Faculty, date" in page) for page in found] == [
            (True, False),
            (True, True),
        ]
        assert "2 / 2" in found[1]

    def test_xlsx_has_marks_and_numbers_and_keeps_names_in_sight(self, world: ExportWorld) -> None:
        rows, sheet = read_xlsx(
            content_of(
                ask(world.teacher, "register", "xlsx", {"section": str(world.section.pk), "month": MONTH})
            )
        )
        assert rows[0] == ["Godavari College"]
        line = next(row for row in rows if "24CSE002" in row)
        assert line == [2.0, "24CSE002", "మౌనిక నాయుడు", "L", "P", "P", 2.0, 1.0, 0.0, 0.0, 4.0, 4.0, 100.0]
        assert 'topLeftCell="D7"' in sheet

    def test_without_classes_it_is_an_empty_register(self, world: ExportWorld) -> None:
        asked = {"section": str(world.section.pk), "month": "2026-12"}
        (page,) = pages(ask(world.teacher, "register", "pdf", asked))
        assert "24CSE001" in page


class TestSummaryAndShortage:
    def test_figures_are_those_of_the_one_formula(self, world: ExportWorld) -> None:
        found = table(world.teacher, "summary", {"section": str(world.section.pk)})
        assert found[0] == {
            "enrollment_no": "24CSE001", "name": "'=HYPERLINK(1)", "department": "", "course": "CS302",
            "course_title": "Data Structures", "section": "CSE-A", "held": "4", "present": "3", "late": "0",
            "absent": "1", "excused": "0", "attended": "3", "counted": "4", "percentage": "75.00", "band": "clear",
            "need": "0", "can_miss": "0",
        }  # fmt: skip
        assert [row["percentage"] for row in found] == ["75.00", "100.00", "25.00", "66.67"]

    def test_who_has_no_class_yet_is_in_the_summary_without_a_percentage(self, world: ExportWorld) -> None:
        SectionFactory(school=world.school, students=[world.students[0]])
        found = table(world.office, "summary", {"student": "24CSE001"})
        assert sorted((row["held"], row["percentage"], row["band"]) for row in found) == [
            ("0", "", ""),
            ("4", "75.00", "clear"),
        ]

    def test_the_shortage_list_is_that_of_the_page(self, world: ExportWorld) -> None:
        found = table(world.teacher, "shortage")
        listed = Shortages(sections=[world.section.pk], term=world.section.term, today=TODAY)[:]
        assert [(row["enrollment_no"], row["percentage"], row["need"]) for row in found] == [
            (one.student, str(one.figures.percentage), str(one.figures.need)) for one in listed
        ]
        assert [row["enrollment_no"] for row in found] == ["24CSE003", "24CSE004"]
        assert [row["enrollment_no"] for row in table(world.teacher, "shortage", {"band": "condonable"})] == [
            "24CSE004"
        ]

    @pytest.mark.parametrize("kind", ["summary", "shortage"])
    def test_as_pdf_and_xlsx(self, world: ExportWorld, kind: str) -> None:
        (page,) = pages(ask(world.teacher, kind, "pdf"))
        assert "24CSE003" in page
        assert "25.00" in page
        rows, _sheet = read_xlsx(content_of(ask(world.teacher, kind, "xlsx")))
        assert 25.0 in next(row for row in rows if "24CSE003" in row)


class TestAudit:
    def test_the_office_takes_out_the_trail_latest_first(self, world: ExportWorld) -> None:
        found = table(
            world.office, "audit", {"action": "session.close", "from": "2026-11-01", "to": "2026-11-30"}
        )
        assert [row["at"] for row in found] == [
            "2026-11-09T11:50:00+05:30", "2026-11-03T09:50:00+05:30", "2026-11-02T09:50:00+05:30",
        ]  # fmt: skip
        assert {row["actor"] for row in found} == {world.teacher.username}
        assert found[0]["after"] == '{"absent": 1, "status": "closed"}'

    def test_filters_by_person_object_and_operation(self, world: ExportWorld) -> None:
        entry = AuditEntry.objects.filter(action="session.close").first()
        assert entry is not None
        one = {"operation": str(entry.operation_id), "actor": world.teacher.username.upper()}
        assert {row["operation_id"] for row in table(world.office, "audit", one)} == {str(entry.operation_id)}
        assert table(world.office, "audit", {"actor": "nobody"}) == []
        by_object = {"object_type": "session", "object_id": entry.object_id}
        assert len(table(world.office, "audit", by_object)) >= 1

    def test_as_pdf_and_xlsx(self, world: ExportWorld) -> None:
        asked = {"action": "session.close"}
        (page,) = pages(ask(world.office, "audit", "pdf", asked))
        assert "session.close" in page
        rows, _sheet = read_xlsx(content_of(ask(world.office, "audit", "xlsx", asked)))
        assert len(rows) == 5


class TestRights:
    def test_one_sees_in_a_file_what_one_sees_in_the_lists(self, world: ExportWorld) -> None:
        wanted = {
            ("teacher", "records"): 16, ("head", "records"): 16, ("colleague", "records"): 0,
            ("student", "records"): 4, ("teacher", "summary"): 4, ("head", "summary"): 4,
            ("colleague", "summary"): 0, ("student", "summary"): 1, ("colleague", "shortage"): 0,
            ("head", "shortage"): 2,
        }  # fmt: skip
        found = {(who, kind): len(table(world.person(who), kind)) for who, kind in wanted}
        assert found == wanted

    def test_what_one_may_not_see_is_refused(self, world: ExportWorld) -> None:
        section = {"section": str(world.section.pk)}
        for who, kind, filters in [
            ("student", "shortage", {}),
            ("student", "register", {**section, "month": MONTH}),
            ("colleague", "register", {**section, "month": MONTH}),
            ("colleague", "records", section),
            ("colleague", "records", {"student": "24CSE001"}),
            ("student", "records", {"student": "24CSE002"}),
            ("teacher", "summary", {"department": "CSE"}),
            ("teacher", "audit", {}),
            ("head", "audit", {}),
            ("student", "audit", {}),
        ]:
            found = refusal(ask(world.person(who), kind, "csv", filters))
            assert found == (403, "permission_denied", None), (who, kind, filters)

    def test_what_another_school_owns_is_not_there(self, world: ExportWorld) -> None:
        other = SectionFactory(students=1)
        theirs = {
            "section": str(other.pk), "department": "DEPX", "course": other.course.code, "term": other.term_id,
            "student": other.enrollments.get().student.enrollment_no,
        }  # fmt: skip
        for name, value in theirs.items():
            answer = ask(world.office, "summary", "csv", {name: value})
            assert refusal(answer) == (404, "not_found", f"filters.{name}")

    def test_an_integrator_reads_the_school(self, world: ExportWorld) -> None:
        integrator = UserFactory(school=world.school, role=Role.INTEGRATOR)
        assert len(table(integrator, "records")) == 16
        assert refusal(ask(integrator, "audit")) == (403, "permission_denied", None)

    def test_an_operator_names_the_school(self, world: ExportWorld) -> None:
        operator = UserFactory(school=None, role=Role.SUPERUSER)
        assert refusal(ask(operator, "records")) == (400, "school_required", "school")
        body = {"kind": "records", "format": "csv"}
        answer = client_of(operator).post(f"{DATA}?school={world.school.code}", body)
        assert len(read_csv(content_of(answer))) == 16


_ID = str(uuid4())


class TestInput:
    @pytest.mark.parametrize(
        ("body", "code", "attr"),
        [
            ({"kind": "summary", "filters": {"from": "2026-11-01"}}, "unknown_filter", "filters.from"),
            ({"kind": "records", "filters": {"colour": "red"}}, "unknown_filter", "filters.colour"),
            ({"kind": "register", "filters": {"month": MONTH}}, "required", "filters.section"),
            ({"kind": "register", "filters": {"section": _ID}}, "required", "filters.month"),
            (
                {"kind": "register", "filters": {"section": str(uuid4()), "month": "2026-13"}},
                "invalid",
                "filters.month",
            ),
            ({"kind": "records", "filters": {"from": "1500-01-01"}}, "out_of_range", "filters.from"),
            (
                {"kind": "records", "filters": {"from": "2026-11-02", "to": "2026-11-01"}},
                "invalid",
                "filters.to",
            ),
            ({"kind": "records", "filters": {"status": ["ill"]}}, "invalid_choice", "filters.status.0"),
            ({"kind": "records", "filters": []}, "invalid", "filters.non_field_errors"),
            ({"kind": "everything"}, "invalid_choice", "kind"),
            ({"kind": "records", "format": "doc"}, "invalid_choice", "format"),
        ],
    )
    def test_what_cannot_be_right_names_its_field(self, body: dict[str, Any], code: str, attr: str) -> None:
        answer = client_of(UserFactory()).post(DATA, {"format": "csv", **body})
        assert refusal(answer) == (400, code, attr)

    def test_ten_exports_an_hour_are_enough(self, world: ExportWorld, settings: Any) -> None:
        settings.CAMPUSHUB_THROTTLE_RATES = {"user": "1000/s"}
        never_exported(world.colleague)
        api = client_of(world.colleague)
        body = {"kind": "shortage", "format": "csv"}
        assert [api.post(DATA, body).status_code for _ in range(11)] == [200] * 10 + [429]


class TestTrail:
    def test_who_took_what_and_how_much_is_told(self, world: ExportWorld) -> None:
        ask(world.teacher, "records", "csv", {"to": "2026-11-02"})
        entry = AuditEntry.objects.get(action="export.make")
        assert (entry.actor_id, entry.school_id) == (world.teacher.pk, world.school.pk)
        assert entry.after == {
            "kind": "records",
            "format": "csv",
            "filters": {"to": "2026-11-02"},
            "count": 8,
        }

    def test_whose_entries_were_asked_for_is_told_without_their_name(
        self, world: ExportWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = {"actor": world.teacher.username}
        for at_once, more in ((1000, {}), (1000, {"stream": True}), (1, {})):
            monkeypatch.setattr(exports, "AT_ONCE", at_once)
            ask(world.office, "audit", "csv", asked, **more)
        found = AuditEntry.objects.filter(action__startswith="export").order_by("id")
        unnamed = {"actor": fingerprint(world.teacher.username)}
        assert [(entry.action, entry.after["filters"]) for entry in found] == [
            ("export.make", unnamed), ("export.stream", unnamed), ("export.queue", unnamed),
        ]  # fmt: skip

    def test_a_stream_is_told_before_it_goes_and_after(self, world: ExportWorld) -> None:
        answer = ask(world.office, "records", "csv", stream=True)
        assert [entry.action for entry in AuditEntry.objects.filter(action__startswith="export")] == [
            "export.stream"
        ]
        assert len(read_csv(content_of(answer))) == 16
        first, last = AuditEntry.objects.filter(action__startswith="export").order_by("id")
        assert (last.action, last.after, last.operation_id) == (
            "export.stream_end",
            {"count": 16},
            first.operation_id,
        )

    def test_a_stream_that_nobody_reads_to_its_end_tells_how_far_it_came(self, world: ExportWorld) -> None:
        found = exports.ask(
            by=world.office,
            school=world.school,
            kind="records",
            file_format="csv",
            filters={},
            stream=True,
            now=NOW,
        )
        assert isinstance(found, exports.Download)
        pieces = cast("Generator[bytes]", found.content)
        next(pieces)
        pieces.close()
        assert AuditEntry.objects.get(action="export.stream_end").after == {"count": 0}


class TestJobs:
    @pytest.fixture(autouse=True)
    def few_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Sixteen records are many."""
        monkeypatch.setattr(exports, "AT_ONCE", 10)

    def job(self, world: ExportWorld, who: str = "office", as_: str = "xlsx") -> ExportJob:
        answer = ask(world.person(who), "records", as_)
        assert answer.status_code == 202, answer.content
        return ExportJob.objects.get(pk=answer.json()["job"]["id"])

    def test_more_rows_than_an_answer_takes_are_a_job(self, world: ExportWorld) -> None:
        answer = ask(world.office, "records", "xlsx", {"from": "2026-10-01"})
        job = ExportJob.objects.get()
        assert answer.status_code == 202
        assert answer.json()["job"] == {
            "id": str(job.pk), "kind": "records", "format": "xlsx", "filters": {"from": "2026-10-01"},
            "state": "queued", "rows_total": None, "rows_done": 0, "percent": None, "error": None, "file_name": "",
            "size": None, "requested_at": "2026-11-30T11:30:00+05:30", "started_at": None, "finished_at": None,
            "expires_at": None,
        }  # fmt: skip
        assert list(OutboxMessage.objects.values_list("job", "arguments")) == [
            ("attendance.run_export", {"job_id": str(job.pk)})
        ]
        assert AuditEntry.objects.get(action="export.queue").object_id == str(job.pk)

    def test_a_job_that_ran_has_a_file_for_whoever_asked(self, world: ExportWorld) -> None:
        job = self.job(world)
        api = client_of(world.office)
        assert refusal(api.get(f"{JOBS}{job.pk}/file/")) == (409, "export_not_ready", None)
        exports.run(job_id=job.pk, now=NOW)

        told = api.get(f"{JOBS}{job.pk}/").json()
        assert (told["state"], told["rows_total"], told["rows_done"], told["percent"]) == (
            "done",
            16,
            16,
            100,
        )
        assert told["file_name"] == "attendance-records_2026-11-30.xlsx"
        assert told["expires_at"] == "2026-12-07T11:30:00+05:30"
        answer = api.get(f"{JOBS}{job.pk}/file/")
        content = content_of(answer)
        assert len(read_xlsx(content)[0]) == 17
        assert told["size"] == len(content) == int(answer["Content-Length"])
        assert answer["Cache-Control"] == "private, no-store"
        assert AuditEntry.objects.get(action="export.finish").after == {"state": "done", "count": 16}
        assert AuditEntry.objects.get(action="export.fetch").actor_id == world.office.pk

    def test_jobs_are_ones_own(self, world: ExportWorld) -> None:
        job = self.job(world)
        outsider = UserFactory(school=SchoolFactory())
        assert [one["id"] for one in client_of(world.office).get(JOBS).json()["results"]] == [str(job.pk)]
        assert client_of(world.teacher).get(JOBS).json()["results"] == []
        for path in (f"{JOBS}{job.pk}/", f"{JOBS}{job.pk}/file/"):
            assert refusal(client_of(world.teacher).get(path)) == (403, "permission_denied", None)
            assert refusal(client_of(outsider).get(path)) == (404, "not_found", None)
        assert refusal(client_of(world.teacher).post(f"{JOBS}{job.pk}/cancel/")) == (
            403,
            "permission_denied",
            None,
        )

    def test_cancelled_is_cancelled_and_the_worker_finds_nothing_to_do(self, world: ExportWorld) -> None:
        job = self.job(world)
        api = client_of(world.office)
        assert api.post(f"{JOBS}{job.pk}/cancel/").json()["state"] == "cancelled"
        assert refusal(api.post(f"{JOBS}{job.pk}/cancel/")) == (409, "invalid_transition", None)
        exports.run(job_id=job.pk, now=NOW)
        job.refresh_from_db()
        assert (job.state, job.attempts, job.file.name) == ("cancelled", 0, "")

    def test_three_at_a_time_are_enough(self, world: ExportWorld) -> None:
        for _ in range(3):
            self.job(world)
        assert refusal(ask(world.office, "records", "xlsx")) == (409, "too_many_exports", None)
        assert ExportJob.objects.count() == 3

    def test_the_same_key_asks_once(self, world: ExportWorld) -> None:
        api = client_of(world.office)
        body = {"kind": "records", "format": "xlsx"}
        answers = [api.post(DATA, body, HTTP_IDEMPOTENCY_KEY="a") for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert ExportJob.objects.count() == 1

    def test_who_lost_a_section_meanwhile_does_not_get_the_file(self, world: ExportWorld) -> None:
        job = self.job(world, "teacher")
        exports.run(job_id=job.pk, now=NOW)
        assert client_of(world.teacher).get(f"{JOBS}{job.pk}/file/").status_code == 200
        Section.objects.filter(pk=world.section.pk).update(faculty=None)
        world.section.teachers.clear()
        answer = client_of(world.teacher).get(f"{JOBS}{job.pk}/file/")
        assert refusal(answer) == (403, "export_right_lost", None)

    def test_who_lost_the_right_before_it_ran_learns_why_there_is_no_file(self, world: ExportWorld) -> None:
        answer = ask(world.teacher, "records", "xlsx", {"section": str(world.section.pk)})
        job = ExportJob.objects.get(pk=answer.json()["job"]["id"])
        Section.objects.filter(pk=world.section.pk).update(faculty=None)
        world.section.teachers.clear()
        exports.run(job_id=job.pk, now=NOW)
        told = client_of(world.teacher).get(f"{JOBS}{job.pk}/").json()
        assert (told["state"], told["error"]) == (
            "failed", {"code": "permission_denied", "detail": "You may not do that."},
        )  # fmt: skip
        assert refusal(client_of(world.teacher).get(f"{JOBS}{job.pk}/file/")) == (
            409,
            "export_not_ready",
            None,
        )

    def test_an_expired_file_is_gone(self, world: ExportWorld) -> None:
        job = self.job(world)
        exports.run(job_id=job.pk, now=NOW)
        with clock.frozen(NOW + exports.KEPT):
            answer = client_of(world.office).get(f"{JOBS}{job.pk}/file/")
        assert refusal(answer) == (410, "export_expired", None)

    def test_a_pdf_of_too_many_rows_is_refused(
        self, world: ExportWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(exports.export_files.MOST_ROWS, "pdf", 15)
        assert refusal(ask(world.office, "records", "pdf")) == (409, "export_too_large", "format")
        monkeypatch.setattr(exports, "PDF_AT_ONCE", 3)
        assert ask(world.office, "records", "pdf", {"to": "2026-11-02"}).status_code == 202

    def test_csv_of_any_size_streams_when_asked(self, world: ExportWorld) -> None:
        assert len(table(world.office, "records", stream=True)) == 16


@pytest.mark.parametrize("kind", ["records", "summary", "shortage", "register", "audit"])
def test_more_rows_do_not_cost_more_queries(world: ExportWorld, kind: str) -> None:
    asked = {"section": str(world.section.pk), "month": MONTH} if kind == "register" else {}

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            content_of(ask(world.office, kind, "csv", asked))
        # Outside of a test the transactions are no savepoints.
        return sum("SAVEPOINT" not in query["sql"] for query in found.captured_queries)

    few = queries()
    assert few <= 12
    for day in (16, 17, 18):
        hold(world.section, f"2026-11-{day} 09:00", "AAPP", world.students)
    assert queries() == few
