"""Slots and sections of a timetable file, found or made: set-based, whatever the number of lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, time
from uuid import UUID

from django.db.models import Q

from academics.models import Section
from accounts.models import School
from attendance.models import SlotOccupancy, TimetableSlot
from attendance.services.imports.lines import Line, resources_of
from attendance.services.resources import Resources
from audit.services import entries

_BATCH = 2000


def match(lines: Sequence[Line], school: School) -> None:
    """Give each line the sections that exist, and the slot of exactly these at its weekday and start."""
    terms = {line.term for line in lines}
    sections = {
        (section.term_id, section.course_id, section.cohort_id): section
        for section in Section.objects.filter(term__in=terms, cohort__isnull=False).select_related(
            "course", "cohort"
        )
    }
    known: dict[tuple[frozenset[UUID], int, time], list[TimetableSlot]] = defaultdict(list)
    found = TimetableSlot.objects.filter(school=school).filter(Q(sections__term__in=terms)).distinct()
    for slot in found.prefetch_related("sections", "faculty").order_by("valid_from"):
        key = (frozenset(section.pk for section in slot.sections.all()), slot.weekday, slot.starts)
        known[key].append(slot)
    for line in lines:
        line.sections = [
            section
            for cohort in line.cohorts
            if (section := sections.get((line.term.pk, line.course.pk, cohort.pk))) is not None
        ]
        if len(line.sections) == len(line.cohorts):
            key = (frozenset(section.pk for section in line.sections), line.weekday, line.starts)
            line.slot = _that_overlaps(known.get(key, []), line.valid_from, line.valid_until)


def _that_overlaps(slots: list[TimetableSlot], first: date, last: date) -> TimetableSlot | None:
    """Each slot is given to one line only."""
    for slot in slots:
        if slot.valid_from <= last and first <= slot.valid_until:
            slots.remove(slot)
            return slot
    return None


def differs(line: Line) -> bool:
    """Whether the line says anything else than its slot; a new one does."""
    slot = line.slot
    if slot is None:
        return True
    return (
        {teacher.pk for teacher in slot.faculty.all()} != {teacher.pk for teacher in line.faculty}
        or slot.room_id != (line.room.pk if line.room else None)
        or (slot.ends, slot.valid_from, slot.valid_until) != (line.ends, line.valid_from, line.valid_until)
    )


def make_sections(lines: Sequence[Line], school: School, operation: entries.Operation) -> list[Section]:
    """The sections that are not there yet; every line gets all of its own."""
    made: dict[tuple[int, int, int], Section] = {}
    for line in lines:
        have = {section.cohort_id: section for section in line.sections}
        line.sections = []
        for cohort in line.cohorts:
            section = have.get(cohort.pk)
            if section is None:
                key = (line.term.pk, line.course.pk, cohort.pk)
                section = made.setdefault(
                    key,
                    Section(
                        school=school,
                        term=line.term,
                        course=line.course,
                        cohort=cohort,
                        faculty=line.faculty[0],
                    ),
                )
            line.sections.append(section)
    Section.objects.bulk_create(made.values(), batch_size=_BATCH)
    for section in made.values():
        after = {"course": section.course.code, "cohort": section.group, "term": section.term_id}
        operation.record("section.create", section, school_id=school.pk, after=after)
    return list(made.values())


def make_slots(
    lines: Sequence[Line], school: School, resources: Resources, operation: entries.Operation
) -> None:
    """New slots with their sections, faculty and occupancy, and an audit entry each."""
    for line in lines:
        line.slot = TimetableSlot(
            school=school,
            room=line.room,
            weekday=line.weekday,
            starts=line.starts,
            ends=line.ends,
            valid_from=line.valid_from,
            valid_until=line.valid_until,
        )
    TimetableSlot.objects.bulk_create([line.slot for line in lines if line.slot], batch_size=_BATCH)
    sections_of, faculty_of = TimetableSlot.sections.through, TimetableSlot.faculty.through
    sections_of.objects.bulk_create(
        [
            sections_of(timetableslot=line.slot, section=section)
            for line in lines
            for section in line.sections
        ],
        batch_size=_BATCH,
    )
    faculty_of.objects.bulk_create(
        [faculty_of(timetableslot=line.slot, faculty=teacher) for line in lines for teacher in line.faculty],
        batch_size=_BATCH,
    )
    SlotOccupancy.objects.bulk_create(
        [row for line in lines for row in _occupancy(line, resources)], batch_size=_BATCH
    )
    for line in lines:
        operation.record("slot.create", line.slot, school_id=school.pk, after=_told(line))


def add_teachers(lines: Sequence[Line]) -> None:
    """Whoever teaches a slot teaches its sections."""
    teaches = Section.teachers.through
    pairs = {
        (section.pk, teacher.pk) for line in lines for section in line.sections for teacher in line.faculty
    }
    teaches.objects.bulk_create(
        [teaches(section_id=section, faculty_id=teacher) for section, teacher in sorted(pairs)],
        batch_size=_BATCH,
        ignore_conflicts=True,
    )


def _occupancy(line: Line, resources: Resources) -> list[SlotOccupancy]:
    return [
        SlotOccupancy(
            slot=line.slot,
            school_id=line.term.school_id,
            resource=resource,
            weekday=line.weekday,
            starts=line.starts,
            ends=line.ends,
            valid_from=line.valid_from,
            valid_until=line.valid_until,
        )
        for resource in resources_of(line, resources)
    ]


def _told(line: Line) -> dict[str, object]:
    return {
        "sections": sorted(str(section.pk) for section in line.sections),
        "faculty": sorted(teacher.employee_no for teacher in line.faculty),
        "room": line.room.code if line.room else None,
        "weekday": line.weekday,
        "starts": line.starts.isoformat(),
        "ends": line.ends.isoformat(),
        "valid_from": line.valid_from.isoformat(),
        "valid_until": line.valid_until.isoformat(),
    }
