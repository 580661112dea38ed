from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import factory

from attendance.enums import SessionStatus, Source, Status
from attendance.models import (
    AttendanceRecord,
    CondonationRequest,
    CorrectionRequest,
    ExportJob,
    Session,
    SessionOccupancy,
    TimetableSlot,
)
from tests.factories.academics import FacultyFactory, SectionFactory, StudentFactory
from tests.factories.accounts import UserFactory

#: 3 November 2026, 09:00–09:50 in Asia/Kolkata.
STARTS = datetime(2026, 11, 3, 3, 30, tzinfo=UTC)


class SlotFactory(factory.django.DjangoModelFactory[TimetableSlot]):
    """A slot without occupancy rows: use the service where clashes matter."""

    class Meta:
        model = TimetableSlot
        skip_postgeneration_save = True

    school = factory.SelfAttribute("section.school")
    weekday = 2
    starts = time(9)
    ends = time(9, 50)
    valid_from = date(2026, 11, 2)
    valid_until = date(2027, 3, 27)

    class Params:
        section = factory.SubFactory(SectionFactory)

    @factory.post_generation
    def sections(slot: TimetableSlot, create: bool, extracted: object, **values: object) -> None:
        slot.sections.set(extracted or [])  # type: ignore[arg-type] # a list of sections

    @factory.post_generation
    def faculty(slot: TimetableSlot, create: bool, extracted: object, **values: object) -> None:
        slot.faculty.set(extracted or [])  # type: ignore[arg-type] # a list of faculty


class SessionFactory(factory.django.DjangoModelFactory[Session]):
    """A class of one section, by its own teacher, on Tuesday 3 November 2026, 09:00–09:50.

    ``section=`` names the section (else a new one with three students); ``open=True`` opens it at the start.
    """

    class Meta:
        model = Session
        skip_postgeneration_save = True

    class Params:
        section = factory.SubFactory(SectionFactory, students=3)
        open = factory.Trait(
            status=SessionStatus.OPEN,
            opened_at=factory.SelfAttribute("starts_at"),
            opened_by_human_at=factory.SelfAttribute("starts_at"),
            qr_started_at=factory.SelfAttribute("starts_at"),
        )

    school = factory.SelfAttribute("section.school")
    term = factory.SelfAttribute("section.term")
    starts_at = STARTS
    ends_at = factory.LazyAttribute(lambda session: session.starts_at + timedelta(minutes=50))
    held_on = factory.LazyAttribute(lambda session: session.school.local_date(session.starts_at))

    @classmethod
    def _create(cls, model_class: type[Session], *args: Any, **kwargs: Any) -> Session:
        return super()._create(model_class, *args, **kwargs)

    @classmethod
    def create(cls, **kwargs: Any) -> Session:
        section = kwargs.pop("section", None) or SectionFactory(students=3)
        teacher = kwargs.pop("teacher", None)
        session: Session = super().create(section=section, **kwargs)
        session.sections.add(section)
        teacher = teacher or section.faculty or FacultyFactory(school=section.school)
        session.faculty.add(teacher)
        section.teachers.add(teacher)
        if session.status in SessionStatus.occupying():
            from psycopg.types.range import Range

            SessionOccupancy.objects.bulk_create(
                SessionOccupancy(
                    session=session,
                    school=session.school,
                    resource=resource,
                    during=Range(session.starts_at, session.ends_at),
                )
                for resource in (f"faculty:{teacher.pk}", f"cohort:{section.cohort_id}")
            )
        return session


class RecordFactory(factory.django.DjangoModelFactory[AttendanceRecord]):
    class Meta:
        model = AttendanceRecord

    session = factory.SubFactory(SessionFactory)
    school = factory.SelfAttribute("session.school")
    held_on = factory.SelfAttribute("session.held_on")
    section = factory.LazyAttribute(lambda record: record.session.sections.first())
    student = factory.LazyAttribute(lambda record: record.section.enrollments.first().student)
    snapshot = factory.SelfAttribute("student.current_snapshot")
    status = Status.PRESENT
    source = Source.MANUAL
    marked_at = factory.SelfAttribute("session.starts_at")


class CorrectionFactory(factory.django.DjangoModelFactory[CorrectionRequest]):
    """Pending; by the first student of a class, whose absence they say was none. Makes no record."""

    class Meta:
        model = CorrectionRequest

    session = factory.SubFactory(SessionFactory)
    school = factory.SelfAttribute("session.school")
    student = factory.LazyAttribute(
        lambda correction: correction.session.sections.first().enrollments.order_by("pk").first().student
    )
    old_status = Status.ABSENT
    requested_status = Status.PRESENT
    reason = "I sat in the last row"
    requested_at = factory.SelfAttribute("session.ends_at")
    requested_by = factory.SelfAttribute("student.user")


class CondonationFactory(factory.django.DjangoModelFactory[CondonationRequest]):
    """Pending, with 70 %; by a new student of the section, in its course and term. Makes no figures."""

    class Meta:
        model = CondonationRequest

    class Params:
        section = factory.SubFactory(SectionFactory)

    school = factory.SelfAttribute("section.school")
    student = factory.LazyAttribute(lambda condonation: StudentFactory(school=condonation.school))
    course = factory.SelfAttribute("section.course")
    term = factory.SelfAttribute("section.term")
    percentage = Decimal("70.00")
    reason = "Two weeks in hospital"
    requested_at = STARTS
    requested_by = factory.SelfAttribute("student.user")


class ExportJobFactory(factory.django.DjangoModelFactory[ExportJob]):
    """Queued: all records as a spreadsheet, for somebody of the office. Nothing is sent to a worker."""

    class Meta:
        model = ExportJob

    requested_by = factory.SubFactory(UserFactory)
    school = factory.SelfAttribute("requested_by.school")
    kind = "records"
    format = "xlsx"
    requested_at = STARTS
    touched_at = factory.SelfAttribute("requested_at")
