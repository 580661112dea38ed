"""Rows for tests: one small college, consistent within itself unless told otherwise."""

from __future__ import annotations

from tests.factories.academics import (
    CohortFactory,
    CourseFactory,
    DepartmentFactory,
    EnrollmentFactory,
    FacultyFactory,
    ProgrammeFactory,
    RoomFactory,
    SectionFactory,
    StudentFactory,
    TermFactory,
)
from tests.factories.accounts import PASSWORD, SchoolFactory, UserFactory
from tests.factories.attendance import (
    CondonationFactory,
    CorrectionFactory,
    ExportJobFactory,
    RecordFactory,
    SessionFactory,
    SlotFactory,
)

__all__ = [
    "PASSWORD",
    "CohortFactory",
    "CondonationFactory",
    "CorrectionFactory",
    "CourseFactory",
    "DepartmentFactory",
    "EnrollmentFactory",
    "ExportJobFactory",
    "FacultyFactory",
    "ProgrammeFactory",
    "RecordFactory",
    "RoomFactory",
    "SchoolFactory",
    "SectionFactory",
    "SessionFactory",
    "SlotFactory",
    "StudentFactory",
    "TermFactory",
    "UserFactory",
]
