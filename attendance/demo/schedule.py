"""A timetable without clashes: every class in a cell where its cohorts and its teacher are free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from academics.models import Cohort, Faculty, Room, Section
from attendance.demo.campus import Campus
from attendance.demo.catalogue import (
    CLASSES_PER_COURSE,
    COHORTS_PER_TEACHER,
    COURSES_PER_DEPARTMENT,
    ELECTIVE_CELL,
    LECTURED,
    SHARED,
    WEEK,
)
from attendance.models import SlotOccupancy, TimetableSlot
from attendance.services.resources import Resources
from core import copying

_LESSON = timedelta(minutes=50)

Cell = tuple[int, time]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A weekly class: the sections of one course, their teacher and room, in one cell of the week."""

    sections: tuple[Section, ...]
    teacher: Faculty
    room: Room
    cell: Cell


def build(campus: Campus) -> int:
    """Plan and write the whole timetable; the number of weekly classes."""
    lessons = [*_Planner(campus).plan(), _elective(campus)]
    _write(campus, lessons)
    return len(lessons)


class _Planner:
    """Goes through the cohorts, taking cells as it goes. A teacher has so few courses that it always finds some."""

    def __init__(self, campus: Campus) -> None:
        self.campus = campus
        self.rooms = {cohort.pk: room for cohort, room in zip(campus.cohorts, campus.rooms, strict=False)}
        self.busy: set[tuple[str, Cell]] = set()
        #: The demo's `faculty` and `student`: every class of the one has the other on its roster.
        self.lecturer = campus.faculty[0]
        self.class_of_student = campus.cohorts[0]

    def plan(self) -> list[Lesson]:
        lessons: list[Lesson] = []
        companion = self._companion()
        for cohort in self.campus.cohorts:
            for number, section in enumerate(self.campus.sections[cohort.pk]):
                sections: tuple[Section, ...] = (section,)
                if number == SHARED and companion is not None:
                    if cohort is companion:
                        continue  # sits in the lecture of the other cohort
                    if cohort is self.class_of_student:
                        sections = (section, self.campus.sections[companion.pk][number])
                lessons += self._place(sections, self._teacher(cohort, number))
        return lessons

    def _companion(self) -> Cohort | None:
        """The cohort that shares one course with the demo student's: a combined lecture."""
        own = self.class_of_student
        return next((c for c in self.campus.cohorts[1:] if c.department_id == own.department_id), None)

    def _teacher(self, cohort: Cohort, number: int) -> Faculty:
        """Teachers keep to one course and take it to up to five cohorts."""
        if cohort is self.class_of_student and number in LECTURED:
            return self.lecturer
        assert cohort.department is not None  # noqa: S101 - every cohort of the demo has one
        staff = [one for one in self.campus.teachers_of(cohort.department) if one is not self.lecturer]
        position = self.campus.cohorts.index(cohort) // len(self.campus.departments)
        groups = len(staff) // COURSES_PER_DEPARTMENT
        return staff[number * groups + position // COHORTS_PER_TEACHER]

    def _place(self, sections: tuple[Section, ...], teacher: Faculty) -> list[Lesson]:
        """Three classes a week, on different days where the week allows it."""
        takes = [f"teacher {teacher.pk}", *(f"cohort {section.cohort_id}" for section in sections)]
        free = [
            cell
            for cell in self.campus.dice.sample(WEEK, len(WEEK))
            if not any((name, cell) in self.busy for name in takes)
        ]
        chosen: list[Cell] = []
        for cell in free:
            if all(cell[0] != other[0] for other in chosen):
                chosen.append(cell)
        chosen = [*chosen, *(cell for cell in free if cell not in chosen)][:CLASSES_PER_COURSE]
        self.busy |= {(name, cell) for cell in chosen for name in takes}
        room = self.rooms[sections[0].cohort_id or 0]
        return [Lesson(sections, teacher, room, cell) for cell in chosen]


def _elective(campus: Campus) -> Lesson:
    """On Saturday's last period, which the cohorts leave free."""
    assert campus.elective is not None  # noqa: S101 - made with the school
    return Lesson((campus.elective,), campus.faculty[2], campus.rooms[-1], ELECTIVE_CELL)


def _write(campus: Campus, lessons: Sequence[Lesson]) -> None:
    resources = Resources(campus.school.pk)
    slots = [_slot(campus, lesson) for lesson in lessons]
    copying.insert(slots)
    sections_of, faculty_of = TimetableSlot.sections.through, TimetableSlot.faculty.through
    pairs = list(zip(slots, lessons, strict=True))
    copying.insert(
        [
            sections_of(timetableslot=slot, section=section)
            for slot, lesson in pairs
            for section in lesson.sections
        ]
    )
    copying.insert([faculty_of(timetableslot=slot, faculty=lesson.teacher) for slot, lesson in pairs])
    copying.insert(
        [
            SlotOccupancy(
                slot=slot,
                school=campus.school,
                resource=resource,
                weekday=slot.weekday,
                starts=slot.starts,
                ends=slot.ends,
                valid_from=slot.valid_from,
                valid_until=slot.valid_until,
            )
            for slot, lesson in pairs
            for resource in resources.of(lesson.sections, [lesson.teacher.pk], lesson.room.pk)
        ]
    )
    _put_in_charge(lessons)


def _slot(campus: Campus, lesson: Lesson) -> TimetableSlot:
    weekday, starts = lesson.cell
    return TimetableSlot(
        school=campus.school,
        room=lesson.room,
        weekday=weekday,
        starts=starts,
        ends=(datetime.combine(campus.today, starts) + _LESSON).time(),
        valid_from=campus.term.starts_on,
        valid_until=campus.term.ends_on,
    )


def _put_in_charge(lessons: Sequence[Lesson]) -> None:
    charge = {section.pk: (section, lesson.teacher) for lesson in lessons for section in lesson.sections}
    for section, teacher in charge.values():
        section.faculty = teacher
    Section.objects.bulk_update(
        [section for section, _teacher in charge.values()], ["faculty"], batch_size=500
    )
    teaches = Section.teachers.through
    copying.insert([teaches(section=section, faculty=teacher) for section, teacher in charge.values()])
