"""Everything a timetable and a roster are made of."""

from __future__ import annotations

from academics.models.membership import Enrollment
from academics.models.people import Faculty, Student, StudentSnapshot
from academics.models.structure import Cohort, Course, Department, Programme, Room, Section, Term

__all__ = [
    "Cohort",
    "Course",
    "Department",
    "Enrollment",
    "Faculty",
    "Programme",
    "Room",
    "Section",
    "Student",
    "StudentSnapshot",
    "Term",
]
