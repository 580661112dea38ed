"""What students see: their day and their attendance."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from academics.models import Student, Term
from attendance.enums import Band, SessionStatus
from attendance.models import AttendanceRecord, CondonationRequest, Holiday
from attendance.selectors import condonations, corrections, days, figures
from attendance.web.access import person, student_of
from core import clock
from notifications.selectors import latest_unread

_PAGE = 30


def home(request: HttpRequest) -> HttpResponse:
    """Today's classes and how every course stands."""
    student = student_of(request)
    now = clock.now()
    local = student.school.local(now)
    classes = days.student_day(student, now=now)
    summary = figures.student_summary(
        student=student, term=figures.term_for(school=student.school, on=local.date()), on=local.date()
    )
    return render(
        request,
        "attendance/student_home.html",
        {
            "today": local.date(),
            "part_of_day": _part_of_day(local.hour),
            "first_name": student.user.get_short_name(),
            "classes": classes,
            "current": next((c for c in classes if c.state == "open" and c.status is None), None),
            "courses": [
                {"title": course.title, "code": course.code, "summary": course.figures}
                for course in summary.courses
            ],
            "overall": summary.overall if len(summary.courses) > 1 else None,
            "threshold": summary.threshold,
            "notices": latest_unread(person(request)),
        },
    )


@login_required
def history(request: HttpRequest) -> HttpResponse:
    """Class by class, as a calendar and as a list; ``?course=CODE`` chooses one."""
    student = student_of(request)
    now = clock.now()
    today = student.school.local_date(now)
    term = figures.term_for(school=student.school, on=today)
    summary = figures.student_summary(student=student, term=term, on=today)
    chosen = next((c for c in summary.courses if c.code == request.GET.get("course")), None)
    first_day, last_day = (term.starts_on, term.ends_on) if term else (today, today)
    records = _records(student, first_day, last_day, chosen.course_id if chosen else None)
    page = Paginator(records, _PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "attendance/student_history.html",
        {
            "rows": _rows(student, list(page), corrections.first_day(student.school, now=now)),
            "condonable": chosen is not None and chosen.figures.band == Band.CONDONABLE,
            "condonation": _condonation(student, term, chosen),
            "courses": [
                {"title": c.title, "code": c.code, "summary": c.figures, "current": c is chosen}
                for c in summary.courses
            ],
            "course": chosen,
            "summary": chosen.figures if chosen else summary.overall,
            "threshold": summary.threshold,
            "term": term,
            "days": _by_day(records),
            "holidays": dict(
                Holiday.objects.filter(
                    school_id=student.school_id, date__range=(first_day, last_day), department=None
                ).values_list("date", "name")
            ),
            # Months before the first class say nothing and push the others out of sight.
            "first_day": records[-1]["held_on"] if records else max(first_day, min(today, last_day)),
            "last_day": min(last_day, max(today, first_day)),
            "today": today,
            "page": page,
        },
    )


def _records(student: Student, first: date, last: date, course_id: int | None) -> list[dict[str, Any]]:
    """The student's records of the term, newest first: some hundred rows at most, read in one query."""
    found = AttendanceRecord.objects.filter(student=student, held_on__range=(first, last))
    if course_id:
        found = found.filter(section__course_id=course_id)
    rows = found.select_related("session", "section__course").order_by("-held_on", "-session__starts_at")
    return [
        {
            "session": record.session_id,
            "state": record.session.status,
            "held_on": record.held_on,
            "starts_at": record.session.starts_at,
            "course": record.section.course.title,
            "status": record.status,
            "source": record.source,
            "marked_at": record.marked_at,
            "remarks": record.remarks,
            "counted": record.session.status in SessionStatus.counted(),
        }
        for record in rows
    ]


def _rows(student: Student, records: list[dict[str, Any]], since: date) -> list[dict[str, Any]]:
    """A page of records; each knows whether its mark can be said to be wrong, and whether it was already."""
    young = [record for record in records if record["held_on"] >= since]
    asked = corrections.waiting_of(student, [record["session"] for record in young]) if young else set()
    return [
        {
            **record,
            "asked": record["session"] in asked,
            "correctable": record["held_on"] >= since
            and record["session"] not in asked
            and record["state"] in SessionStatus.correctable(),
        }
        for record in records
    ]


def _condonation(
    student: Student, term: Term | None, course: figures.CourseFigures | None
) -> CondonationRequest | None:
    """What the student applied for in the chosen course and was not refused, where there is something to condone."""
    if term is None or course is None or course.figures.band != Band.CONDONABLE:
        return None
    return condonations.standing_of(student, term).get(course.course_id)


def _by_day(records: list[dict[str, Any]]) -> dict[date, list[str]]:
    found: dict[date, list[str]] = defaultdict(list)
    for record in reversed(records):
        if record["counted"]:
            found[record["held_on"]].append(record["status"])
    return dict(found)


def _part_of_day(hour: int) -> str:
    if hour < 12:
        return "morning"
    return "afternoon" if hour < 17 else "evening"
