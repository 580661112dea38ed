"""What every service that writes tells the audit trail, as data; `test_every_service` walks it.

Each row names a service and its entries, and prepares one real call of it. What leaves no entries of its own stands
in `SILENT`, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from django.db import connection

from academics.services import memberships, people, terms
from academics.services.imports import roster as roster_import
from accounts.services import codes as sign_in_codes
from accounts.services import consents, credentials, preferences, staff
from accounts.services import tokens as sign_in_tokens
from attendance import codes
from attendance.iclock import Reading
from attendance.models import AttendanceStatistics, BiometricDevice, ExportJob
from attendance.selectors.anomalies import Anomaly
from attendance.services import (
    anomalies,
    arrangement,
    condonations,
    configuration,
    corrections,
    device_calls,
    devices,
    exports,
    fresh_marks,
    generation,
    holds,
    holiday_import,
    holidays,
    leaves,
    marking,
    offline,
    plain_moves,
    privacy,
    readings,
    scanning,
    scheduler,
    schools,
    screen,
    sessions,
    statistics,
    sync_conflicts,
    templates,
    timetable,
)
from attendance.services.imports import attendance as attendance_import
from attendance.services.imports import pins as pins_import
from attendance.services.imports import timetable as timetable_import
from attendance.services.offline import Upload
from notifications.models import OutgoingMail, WebhookEndpoint
from notifications.services import deliveries, mails, webhooks
from notifications.services import preferences as notification_preferences
from tests.attendance.planning import FROM, UNTIL
from tests.attendance.readers import let_readers_in
from tests.attendance.uploads import conflict_of, entry
from tests.audit.world import (
    BORN,
    EMAIL,
    GUARDIAN,
    LATITUDE,
    LONGITUDE,
    NAME,
    NEW_EMAIL,
    NEW_NAME,
    NEW_PHONE,
    PHONE,
    REMARK,
    World,
)
from tests.factories import (
    PASSWORD,
    CondonationFactory,
    CorrectionFactory,
    DepartmentFactory,
    ExportJobFactory,
    FacultyFactory,
    SectionFactory,
    UserFactory,
)

Act = Callable[[World], "partial[Any]"]
#: ``{(action, object type): number of entries}``
Told = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Row:
    service: Any
    told: Told
    prepare: Act
    what: str
    #: For services without ``by=``: whether the school's office, the system or the student of the world acts.
    actor: str

    def __str__(self) -> str:
        return f"{self.service.__module__.removesuffix('.__init__')}.{self.service.__name__}{self.what}"


TABLE: list[Row] = []


def row(
    service: Any, told: Told, *, what: str = "", actor: str = "system"
) -> Callable[[Callable[[World], Any]], None]:
    """Register how `service` is called and what it tells: the function returns the call's partial or arguments."""

    def register(prepare: Callable[[World], Any]) -> None:
        def call(world: World) -> partial[Any]:
            found = prepare(world)
            return found if isinstance(found, partial) else partial(service, **found)

        TABLE.append(Row(service, told, call, f" ({what})" if what else "", actor))

    return register


# -- accounts -----------------------------------------------------------------------------------------------------


@row(staff.create_admin, {("user.create", "user"): 1})
def _(w: World) -> Any:
    return {"username": "wilhelmina", "password": "a-long-pass-phrase-1", "full_name": NAME, "email": EMAIL,
            "school": w.school, **w.by}  # fmt: skip


@row(sign_in_codes.issue, {("user.issue_code", "user"): sign_in_codes.BATCH + 1}, what="more than one batch")
def _(w: World) -> Any:
    return {"users": UserFactory.create_batch(sign_in_codes.BATCH + 1, school=w.school), **w.by}


@row(preferences.set_language, {("user.update", "user"): 1})
def _(w: World) -> Any:
    return {"language": "te", **w.by}


@row(credentials.sign_in, {("sign_in.start", "user"): 1}, actor="office")
def _(w: World) -> Any:
    return {"request": w.request(), "username": w.office.username, "password": PASSWORD, "now": w.now}


@row(credentials.sign_out, {("sign_in.end", "user"): 1})
def _(w: World) -> Any:
    request = w.request()
    credentials.sign_in(request=request, username=w.office.username, password=PASSWORD, now=w.now)
    return {"request": request, **w.by}


@row(sign_in_tokens.sign_in, {("sign_in.start", "refreshfamily"): 1}, actor="office")
def _(w: World) -> Any:
    return {"request": w.request(), "username": w.office.username, "password": PASSWORD, "now": w.now}


@row(sign_in_tokens.issue, {("sign_in.start", "refreshfamily"): 1}, actor="office")
def _(w: World) -> Any:
    return {"user": w.office, "user_agent": "tests", "now": w.now}


@row(sign_in_tokens.revoke, {("sign_in.end", "refreshfamily"): 1}, actor="office")
def _(w: World) -> Any:
    return {"refresh": sign_in_tokens.issue(user=w.office, now=w.now).refresh, "now": w.now}


@row(sign_in_tokens.revoke_everywhere, {("sign_in.end", "refreshfamily"): 2}, actor="office")
def _(w: World) -> Any:
    sign_in_tokens.issue(user=w.office, now=w.now)
    return {"refresh": sign_in_tokens.issue(user=w.office, now=w.now).refresh, "now": w.now}


@row(sign_in_tokens.revoke_all, {("sign_in.end", "refreshfamily"): 2})
def _(w: World) -> Any:
    for _number in range(2):
        sign_in_tokens.issue(user=w.office, now=w.now)
    return {"user": w.office, "reason": "office", **w.by}


@row(consents.grant, {("consent.grant", "consent"): 1})
def _(w: World) -> Any:
    return {"user": w.student.user, "purpose": "biometric", "text_version": "1", **w.by}


@row(consents.agree, {("consent.grant", "consent"): 1}, actor="student")
def _(w: World) -> Any:
    return {"user": w.student.user, "purpose": "photo", "text_version": "1", "now": w.now}


@row(consents.withdraw, {("consent.withdraw", "consent"): 1})
def _(w: World) -> Any:
    agreed(w)
    return {"user": w.student.user, "purpose": "biometric", **w.by}


# -- academics ----------------------------------------------------------------------------------------------------


@row(terms.save_term, {("term.create", "term"): 1}, what="new")
def _(w: World) -> Any:
    return {
        "school": w.school,
        "name": "2027",
        "starts_on": date(2027, 1, 4),
        "ends_on": date(2027, 5, 1),
        **w.by,
    }


@row(
    terms.save_term,
    {("term.update", "term"): 1, ("enrollment.follow_term", "term"): 1},
    what="an earlier first day",
)
def _(w: World) -> Any:
    term = w.student.enrollments.get().section.term
    return {"school": w.school, "name": term.name, "term": term, "starts_on": date(2025, 12, 1),
            "ends_on": term.ends_on, **w.by}  # fmt: skip


@row(people.create_student, {("student.create", "student"): 1})
def _(w: World) -> Any:
    _ = w.section
    return {"school": w.school, "enrollment_no": "22CSE00002", "full_name": NAME, "email": EMAIL, "phone": PHONE,
            "date_of_birth": BORN, "guardian_contact": GUARDIAN, "cohort": w.cohort, **w.by}  # fmt: skip


@row(people.update_student, {("student.update", "student"): 1})
def _(w: World) -> Any:
    student = w.new_student("22CSE00002", email=EMAIL, phone=PHONE)
    changes = {"full_name": NEW_NAME, "email": NEW_EMAIL, "phone": NEW_PHONE, "date_of_birth": BORN,
               "guardian_contact": GUARDIAN, "study_year": 2}  # fmt: skip
    return {"student": student, "changes": changes, **w.by}


@row(people.create_faculty, {("faculty.create", "faculty"): 1})
def _(w: World) -> Any:
    return {
        "school": w.school,
        "employee_no": "F9",
        "full_name": NAME,
        "email": EMAIL,
        "phone": PHONE,
        **w.by,
    }


@row(people.update_faculty, {("faculty.update", "faculty"): 1})
def _(w: World) -> Any:
    changes = {"full_name": NEW_NAME, "email": NEW_EMAIL, "phone": NEW_PHONE, "designation": "Reader"}
    return {"faculty": w.teacher, "changes": changes, **w.by}


@row(memberships.enroll, {("enrollment.create", "enrollment"): 1})
def _(w: World) -> Any:
    elective = SectionFactory(school=w.school, cohort=None, name="Robotics")
    return {"student": w.student, "section": elective, "joined_on": FROM, **w.by}


@row(memberships.leave, {("enrollment.leave", "enrollment"): 1})
def _(w: World) -> Any:
    return {"enrollment": w.student.enrollments.get(), "left_on": UNTIL, **w.by}


@row(memberships.transfer, {("student.transfer", "student"): 1})
def _(w: World) -> Any:
    other = SectionFactory(school=w.school)
    return {"student": w.student, "cohort": other.cohort, "on": FROM, **w.by}


@row(memberships.enroll_cohort, {("enrollment.create", "section"): 1})
def _(w: World) -> Any:
    _ = w.student
    return {"section": SectionFactory(school=w.school, cohort=w.cohort), **w.by}


@row(memberships.enroll_cohorts, {("enrollment.create", "section"): 1})
def _(w: World) -> Any:
    _ = w.student
    return {"sections": SectionFactory.create_batch(2, school=w.school, cohort=w.cohort), **w.by}


STUDENTS = f"""\
enrollment_no,full_name,email,phone,department,programme,section,date_of_birth,guardian_contact
22CSE00001,{NEW_NAME},{NEW_EMAIL},{NEW_PHONE},CSE,B.Tech,B,{BORN},"{GUARDIAN}"
22CSE00002,{NAME},{EMAIL},{PHONE},CSE,B.Tech,A,{BORN},
"""


@row(
    roster_import.import_roster,
    {
        ("department.create", "department"): 1,
        ("programme.create", "programme"): 1,
        ("cohort.create", "cohort"): 1,
        ("student.create", "student"): 1,
        ("student.update", "student"): 1,
        ("student.transfer", "student"): 1,
        ("students.import", "school"): 1,
    },
    what="students",
)
def _(w: World) -> Any:
    _ = w.student
    return {"school": w.school, "data": STUDENTS.encode(), "create_missing": True, **w.by}


@row(
    roster_import.import_roster,
    {
        ("department.create", "department"): 1,
        ("faculty.create", "faculty"): 1,
        ("faculty.import", "school"): 1,
    },
    what="faculty",
)
def _(w: World) -> Any:
    data = f"employee_no,full_name,department,email,phone\nF1,{NAME},CSE,{EMAIL},{PHONE}\n"
    return {"school": w.school, "data": data.encode(), "create_missing": True, **w.by}


# -- attendance: rules and calendar ---------------------------------------------------------------------------------


@row(schools.create_school, {("school.create", "school"): 1})
def _(w: World) -> Any:
    return {"name": "Another College", "code": "another", "country": "IN", **w.by}


@row(configuration.update, {("configuration.update", "attendanceconfiguration"): 1})
def _(w: World) -> Any:
    rules = configuration.ensure(w.school)
    return {"configuration": rules, "changes": {"grace_period_minutes": 9, "qr_rotation_seconds": 15}, **w.by}


@row(holidays.add_holiday, {("holiday.create", "holiday"): 1, ("session.cancel_for_holiday", "holiday"): 1})
def _(w: World) -> Any:
    session = w.scheduled()
    return {"school": w.school, "day": session.held_on, "name": "Founders' day", **w.by}


@row(
    holidays.update_holiday,
    {
        ("holiday.update", "holiday"): 1,
        ("session.restore_after_holiday", "holiday"): 1,
        ("session.cancel_for_holiday", "holiday"): 1,
    },
)
def _(w: World) -> Any:
    w.plan.generate(slots=[w.slot])
    holiday = holidays.add_holiday(
        school=w.school, day=date(2026, 11, 3), name="Founders' day", **w.by
    ).holiday
    return {"holiday": holiday, "day": date(2026, 11, 10), "name": holiday.name, "kind": holiday.kind,
            "department": None, **w.by}  # fmt: skip


@row(
    holidays.remove_holiday,
    {("holiday.remove", "holiday"): 1, ("session.restore_after_holiday", "holiday"): 1},
)
def _(w: World) -> Any:
    session = w.scheduled()
    added = holidays.add_holiday(school=w.school, day=session.held_on, name="Founders' day", **w.by)
    return {"holiday": added.holiday, **w.by}


@row(holiday_import.import_public, {("holiday.create", "holiday"): 1})
def _(w: World) -> Any:
    # Where only one day is missing, so that the number does not depend on the library's version.
    args = {"school": w.school, "year": 2026, "country": "IN", **w.by}
    made = holiday_import.import_public(**args).created
    holidays.remove_holiday(holiday=made[0].holiday, **w.by)
    return args


ICS = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:tests\r
BEGIN:VEVENT\r
UID:1\r
DTSTART;VALUE=DATE:20261103\r
DTEND;VALUE=DATE:20261105\r
SUMMARY:Exams\r
END:VEVENT\r
END:VCALENDAR\r
"""


@row(
    holiday_import.import_ics,
    {("holiday.create", "holiday"): 2, ("session.cancel_for_holiday", "holiday"): 1},
)
def _(w: World) -> Any:
    w.scheduled()
    return {"school": w.school, "content": ICS, **w.by}


# -- attendance: timetable ------------------------------------------------------------------------------------------


@row(timetable.save_slot, {("slot.create", "timetableslot"): 1}, what="new")
def _(w: World) -> Any:
    return w.slot_values()


@row(
    timetable.save_slot,
    {("slot.update", "timetableslot"): 1, ("slot.replan", "timetableslot"): 1},
    what="moved",
)
def _(w: World) -> Any:
    w.plan.generate(slots=[w.slot])
    return w.slot_values(slot=w.slot, starts=time(11), ends=time(12))


@row(timetable.retire_slot, {("slot.delete", "timetableslot"): 1}, what="without history")
def _(w: World) -> Any:
    w.plan.generate(slots=[w.slot])
    return {"slot": w.slot, **w.by}


@row(timetable.retire_slot, {("slot.retire", "timetableslot"): 1}, what="with history")
def _(w: World) -> Any:
    session = w.closed()
    return {"slot": w.slot, "by": w.office, "now": session.ends_at}


@row(timetable.skip_date, {("slot.skip", "timetableslot"): 1})
def _(w: World) -> Any:
    w.scheduled()
    return {"slot": w.slot, "day": date(2026, 11, 3), "reason": "Sports day", **w.by}


@row(
    timetable.unskip_date,
    {("slot.unskip", "timetableslot"): 1, ("session.generate", "school"): 1},
)
def _(w: World) -> Any:
    timetable.skip_date(slot=w.slot, day=date(2026, 11, 3), **w.by)
    return {"slot": w.slot, "day": date(2026, 11, 3), **w.by}


TIMETABLE = """\
section,course_code,course_title,employee_no,room,weekday,start,end,valid_from,valid_until
A,C1,,F1,R2,tuesday,09:00,10:00,2026-11-02,2026-11-29
B,C2,Physics,F1,R3,friday,09:00,10:00,2026-11-02,2026-11-29
"""


@row(
    timetable_import.import_timetable,
    {
        ("cohort.create", "cohort"): 1,
        ("course.create", "course"): 1,
        ("room.create", "room"): 2,
        ("section.create", "section"): 1,
        ("slot.create", "timetableslot"): 1,
        ("slot.update", "timetableslot"): 1,
        ("slot.replan", "timetableslot"): 1,
        ("timetable.import", "school"): 1,
    },
)
def _(w: World) -> Any:
    w.scheduled()
    return {"school": w.school, "data": TIMETABLE.encode(), "create_missing": True, **w.by}


@row(generation.generate, {("session.generate", "school"): 1})
def _(w: World) -> Any:
    _ = w.slot
    return {"school": w.school, "start": FROM, "end": UNTIL, **w.by}


# -- attendance: sessions -------------------------------------------------------------------------------------------


@row(arrangement.create_extra, {("session.create", "session"): 1})
def _(w: World) -> Any:
    starts_at = w.plan.at("2026-11-05 14:00")
    return {"school": w.school, "sections": [w.section], "faculty": [w.teacher], "room": None,
            "starts_at": starts_at, "ends_at": starts_at + timedelta(hours=1), **w.by}  # fmt: skip


@row(arrangement.update_session, {("session.update", "session"): 1})
def _(w: World) -> Any:
    changes = {"room": None, "topic": "Lists"}
    return {"session": w.scheduled(), "changes": changes, **w.by}


@row(arrangement.substitute, {("session.substitute", "session"): 1})
def _(w: World) -> Any:
    return {"session": w.scheduled(), "faculty": w.plan.teacher(), **w.by}


@row(sessions.open_session, {("session.open", "session"): 1})
def _(w: World) -> Any:
    session = w.scheduled()
    return {"session": session, "by": w.office, "now": session.starts_at}


@row(sessions.open_session, {("session.take_over", "session"): 1}, what="after an automatic opening")
def _(w: World) -> Any:
    session = w.scheduled()
    sessions.open_session(session=session, by=None, now=session.starts_at)
    return {"session": session, "by": w.office, "now": session.starts_at}


@row(sessions.close_session, {("session.close", "session"): 1})
def _(w: World) -> Any:
    session = w.opened()
    return {"session": session, "by": w.office, "now": session.ends_at}


@row(sessions.reopen_session, {("session.open", "session"): 1})
def _(w: World) -> Any:
    session = w.closed()
    return {"session": session, "reason": "Forgot a row", "by": w.office, "now": session.ends_at}


@row(sessions.confirm_session, {("session.confirm", "session"): 1}, what="held")
def _(w: World) -> Any:
    session = w.unconfirmed()
    return {"session": session, "held": True, "by": w.office, "now": session.ends_at}


@row(sessions.confirm_session, {("session.cancel", "session"): 1}, what="not held")
def _(w: World) -> Any:
    session = w.unconfirmed()
    return {"session": session, "held": False, "by": w.office, "now": session.ends_at}


@row(sessions.lock_session, {("session.lock", "session"): 1})
def _(w: World) -> Any:
    session = w.closed()
    return {"session": session, "by": w.office, "now": session.ends_at}


@row(sessions.cancel_session, {("session.cancel", "session"): 1})
def _(w: World) -> Any:
    return {"session": w.scheduled(), "reason": "Burst pipe", **w.by}


@row(sessions.void_session, {("session.void", "session"): 1})
def _(w: World) -> Any:
    session = w.closed()
    return {"session": session, "reason": "Fire drill", "by": w.office, "now": session.ends_at}


@row(sessions.leave_unconfirmed, {("session.leave_unconfirmed", "session"): 1})
def _(w: World) -> Any:
    session = w.scheduled()
    return {"session": session, "now": session.ends_at}


@row(sessions.new_generation, {("session.new_code", "session"): 1})
def _(w: World) -> Any:
    session = w.opened()
    return {"session": session, "by": w.office, "now": session.starts_at}


@row(screen.new_code, {("session.new_code", "session"): 1})
def _(w: World) -> Any:
    session = w.opened()
    return {"session": session, "by": w.office, "now": session.starts_at}


@row(screen.current_code, {("session.new_code", "session"): 1}, what="when the series is over")
def _(w: World) -> Any:
    session = w.opened()
    return {"session": session, "by": w.office, "now": session.starts_at + timedelta(hours=2)}


@row(scheduler.open_due, {("session.open", "session"): 1})
def _(w: World) -> Any:
    return {"now": w.scheduled().starts_at}


@row(scheduler.close_due, {("session.close", "session"): 1}, what="held")
def _(w: World) -> Any:
    return {"now": w.opened().ends_at}


@row(scheduler.close_due, {("session.leave_unconfirmed", "session"): 1}, what="not held")
def _(w: World) -> Any:
    return {"now": w.scheduled().ends_at}


@row(scheduler.lock_due, {("session.lock", "session"): 1})
def _(w: World) -> Any:
    return {"now": w.closed().ends_at + timedelta(days=9)}


@row(statistics.repair, {("statistics.repair", "school"): 1})
def _(w: World) -> Any:
    w.closed()
    AttendanceStatistics.objects.all().delete()
    return {"school": w.school, **w.by}


# -- attendance: marks ----------------------------------------------------------------------------------------------


@row(marking.mark, {("record.create", "attendancerecord"): 1}, what="new")
def _(w: World) -> Any:
    session = w.opened()
    return {"session": session, "student": w.student.enrollment_no, "status": "late", "remarks": REMARK,
            "by": w.office, "now": session.starts_at}  # fmt: skip


@row(marking.mark, {("record.update", "attendancerecord"): 1}, what="a remark only")
def _(w: World) -> Any:
    session = w.opened()
    args = {"session": session, "student": w.student.enrollment_no, "status": "late", "by": w.office}
    marking.mark(**args, remarks="bus", now=session.starts_at)
    return {**args, "remarks": REMARK, "now": session.ends_at}


@row(marking.change, {("record.update", "attendancerecord"): 1})
def _(w: World) -> Any:
    session = w.opened()
    args = {"session": session, "student": w.student.enrollment_no, "by": w.office}
    record = marking.mark(**args, status="late", now=session.starts_at)
    return {"record": record, "status": "present", "remarks": REMARK, "by": w.office, "now": session.ends_at}


@row(
    marking.bulk_mark,
    {("record.create", "attendancerecord"): 1, ("record.update", "attendancerecord"): 1,
     ("record.remove", "attendancerecord"): 1},
)  # fmt: skip
def _(w: World) -> Any:
    session = w.opened()
    names = [w.student.enrollment_no, *(w.new_student(f"22CSE0000{n}").enrollment_no for n in (2, 3))]
    args = {"session": session, "by": w.office, "now": session.starts_at}
    marking.bulk_mark(marks=[marking.Mark(name, "present") for name in names[:2]], **args)
    wanted = [("late", REMARK), (None, None), ("absent", None)]
    return {"marks": [marking.Mark(name, *mark) for name, mark in zip(names, wanted, strict=True)], **args}


@row(fresh_marks.save, {("record.create", "attendancerecord"): 1}, actor="teacher")
def _(w: World) -> Any:
    session = w.opened()
    names = [w.student.enrollment_no]
    return {
        "session_id": session.pk,
        "numbers": names,
        "statuses": ["late"],
        **_by_teacher(w, session.starts_at),
    }


@row(plain_moves.open_planned, {("session.open", "session"): 1}, actor="teacher")
def _(w: World) -> Any:
    session = w.scheduled()
    return {"session_id": session.pk, **_by_teacher(w, session.starts_at)}


@row(plain_moves.close_open, {("session.close", "session"): 1}, actor="teacher")
def _(w: World) -> Any:
    session = w.opened()
    return {"session_id": session.pk, **_by_teacher(w, session.ends_at)}


def _by_teacher(w: World, now: datetime) -> dict[str, Any]:
    """What the doors before Django know of the sender."""
    return {"user_id": w.teacher.user_id, "now": now}


def _leave(w: World, **values: Any) -> Any:
    """An application of the world's student for the day of its class."""
    return leaves.apply_for(
        **{"student": w.student, "kind": "medical", "from_date": FROM + timedelta(days=1),
           "to_date": FROM + timedelta(days=1), "reason": REMARK, "by": w.student.user, "now": w.now, **values}
    )  # fmt: skip


@row(attendance_import.import_attendance, {("attendance.import", "school"): 1})
def _(w: World) -> Any:
    line = f"{w.student.enrollment_no},C1,{FROM},10:00,10:50,P,{NAME}"
    text = f"enrollment_no,course_code,date,start,end,status,remarks\n{line}"
    return {"school": w.school, "data": text.encode(), "by": w.office, "now": w.now + timedelta(days=30)}


@row(leaves.apply_for, {("leave.apply", "leaveapplication"): 1})
def _(w: World) -> Any:
    return {"student": w.student, "kind": "medical", "from_date": FROM, "to_date": FROM, "reason": REMARK,
            "by": w.student.user, "now": w.now}  # fmt: skip


@row(leaves.change, {("leave.change", "leaveapplication"): 1})
def _(w: World) -> Any:
    return {
        "leave": _leave(w),
        "changes": {"kind": "casual", "reason": NAME},
        "by": w.student.user,
        "now": w.now,
    }


@row(leaves.approve, {("leave.approve", "leaveapplication"): 1, ("record.update", "attendancerecord"): 1})
def _(w: World) -> Any:
    w.closed()
    return {"leave": _leave(w), "remarks": REMARK, **w.by}


@row(
    leaves.approve_many, {("leave.approve", "leaveapplication"): 2, ("record.update", "attendancerecord"): 1}
)
def _(w: World) -> Any:
    w.closed()
    later = {"from_date": FROM + timedelta(days=2), "to_date": FROM + timedelta(days=4)}
    return {"leaves": [_leave(w), _leave(w, **later)], "remarks": REMARK, **w.by}


@row(leaves.reject, {("leave.reject", "leaveapplication"): 1})
def _(w: World) -> Any:
    return {"leave": _leave(w), "remarks": REMARK, **w.by}


@row(leaves.cancel, {("leave.cancel", "leaveapplication"): 1})
def _(w: World) -> Any:
    return {"leave": _leave(w), "by": w.student.user, "now": w.now}


@row(leaves.revoke, {("leave.revoke", "leaveapplication"): 1, ("record.update", "attendancerecord"): 1})
def _(w: World) -> Any:
    w.closed()
    leave = _leave(w)
    leaves.approve(leave=leave, **w.by)
    return {"leave": leave, "remarks": REMARK, **w.by}


@row(offline.sync, {("sync.upload", "syncbatch"): 1, ("record.create", "attendancerecord"): 1})
def _(w: World) -> Any:
    session = w.opened()
    upload = Upload(uuid4(), "tablet", session.starts_at, [entry(session, w.student, at=session.starts_at)])
    return {"school": w.school, "upload": upload, "by": w.office, "now": session.starts_at}


def _conflict(w: World) -> Any:
    session = w.opened()
    return conflict_of(session, w.student, now=session.starts_at, office=w.office)


@row(
    sync_conflicts.resolve,
    {("sync_conflict.resolve", "syncconflict"): 1, ("record.update", "attendancerecord"): 1},
)
def _(w: World) -> Any:
    return {"conflict": _conflict(w), "keep": "incoming", **w.by}


@row(sync_conflicts.resolve_many, {("sync_conflict.resolve", "syncconflict"): 1})
def _(w: World) -> Any:
    return {"conflicts": [(_conflict(w), "")], "keep": "existing", **w.by}


@row(scanning.scan, {("record.create", "attendancerecord"): 1}, actor="student")
def _(w: World) -> Any:
    session = w.opened()
    return {"requests": [w.scan(session)], "now": session.starts_at}


@row(scanning.scan, {("record.update", "attendancerecord"): 1}, what="over an absence", actor="student")
def _(w: World) -> Any:
    session = w.closed()
    session = sessions.reopen_session(session=session, reason="x", by=w.office, now=session.ends_at)
    return {"requests": [w.scan(session)], "now": session.ends_at}


@row(scanning.scan_one, {("record.create", "attendancerecord"): 1}, actor="student")
def _(w: World) -> Any:
    session = w.opened()
    return partial(scanning.scan_one, w.scan(session), now=session.starts_at)


@row(scanning.run, {("record.create", "attendancerecord"): 1}, actor="student")
def _(w: World) -> Any:
    session = w.opened()
    return {"raw": connection.connection, "requests": [w.scan(session)], "now": session.starts_at}


@row(scanning.redeem, {("record.create", "attendancerecord"): 1}, actor="student")
def _(w: World) -> Any:
    session = w.opened()
    ticket = codes.Ticket(
        session_id=session.pk,
        school_id=session.school_id,
        generation=session.qr_generation,
        opened_at=session.starts_at,
        nonce=uuid4(),
        device="d" * 32,
    )
    return partial(
        scanning.redeem,
        ticket,
        user_id=w.student.user_id,
        latitude=LATITUDE,
        longitude=LONGITUDE,
        now=session.starts_at,
    )


# -- attendance: exports --------------------------------------------------------------------------------------------


def _asked(w: World) -> dict[str, Any]:
    return {"school": w.school, "kind": "summary", "file_format": "csv", "filters": {}}


def _exported(w: World) -> ExportJob:
    """A job of the office that is done."""
    job = ExportJobFactory(requested_by=w.office, requested_at=w.now, format="csv")
    exports.run(job_id=job.pk, now=w.now)
    job.refresh_from_db()
    return job


@row(exports.ask, {("export.make", "export"): 1})
def _(w: World) -> Any:
    return {**_asked(w), **w.by}


@row(exports.ask, {("export.stream", "export"): 1}, what="as a stream")
def _(w: World) -> Any:
    return {**_asked(w), "stream": True, **w.by}


@row(exports.cancel, {("export.cancel", "exportjob"): 1})
def _(w: World) -> Any:
    return {"job": ExportJobFactory(requested_by=w.office), **w.by}


@row(exports.run, {("export.finish", "exportjob"): 1})
def _(w: World) -> Any:
    return {"job_id": ExportJobFactory(requested_by=w.office, format="csv").pk, "now": w.now}


@row(exports.fetch, {("export.fetch", "exportjob"): 1})
def _(w: World) -> Any:
    return {"job": _exported(w), "by": w.office, "now": w.now}


@row(exports.expire, {("export.expire", "exportjob"): 1})
def _(w: World) -> Any:
    job = _exported(w)
    return {"now": job.expires_at}


# -- attendance: corrections and condonation ------------------------------------------------------------------------


@row(corrections.request_correction, {("correction.request", "correctionrequest"): 1})
def _(w: World) -> Any:
    session = w.closed()
    return {"session": session, "student": w.student, "requested_status": "present", "reason": REMARK,
            "by": w.student.user, "now": session.ends_at}  # fmt: skip


@row(
    corrections.approve,
    {("correction.approve", "correctionrequest"): 1, ("record.update", "attendancerecord"): 1},
)
def _(w: World) -> Any:
    correction = CorrectionFactory(session=w.closed(), student=w.student, reason=REMARK)
    return {"correction": correction, "remarks": "seen", **w.by}


@row(
    corrections.approve_many,
    {("correction.approve", "correctionrequest"): 1, ("record.update", "attendancerecord"): 1},
)
def _(w: World) -> Any:
    correction = CorrectionFactory(session=w.closed(), student=w.student, reason=REMARK)
    return {"corrections": [correction], "remarks": "seen", **w.by}


@row(corrections.reject, {("correction.reject", "correctionrequest"): 1})
def _(w: World) -> Any:
    return {"correction": CorrectionFactory(session=w.closed(), student=w.student, reason=REMARK), **w.by}


@row(corrections.cancel, {("correction.cancel", "correctionrequest"): 1})
def _(w: World) -> Any:
    correction = CorrectionFactory(session=w.closed(), student=w.student, reason=REMARK)
    return {"correction": correction, "by": w.student.user, "now": w.now}


@row(condonations.apply, {("condonation.apply", "condonationrequest"): 1})
def _(w: World) -> Any:
    term = w.student.enrollments.get().section.term
    AttendanceStatistics.objects.create(
        student=w.student, course=w.course, term=term, school=w.school, held=10, present=7, absent=3,
        updated_at=w.now,
    )  # fmt: skip
    return {"student": w.student, "course": w.course, "term": term, "reason": REMARK,
            "fee_reference": "SBI-4711", "by": w.student.user, "now": w.now}  # fmt: skip


@row(condonations.recommend, {("condonation.recommend", "condonationrequest"): 1})
def _(w: World) -> Any:
    head = DepartmentFactory(school=w.school, head=FacultyFactory(school=w.school)).head
    return {"condonation": CondonationFactory(section=w.section, student=w.student, reason=REMARK),
            "by": head.user, "now": w.now}  # fmt: skip


@row(condonations.recommend_many, {("condonation.recommend", "condonationrequest"): 2})
def _(w: World) -> Any:
    return {"condonations": _two_condonations(w), **w.by}


@row(condonations.approve_many, {("condonation.approve", "condonationrequest"): 2})
def _(w: World) -> Any:
    return {"condonations": _two_condonations(w), **w.by}


def _two_condonations(w: World) -> list[Any]:
    return [CondonationFactory(section=w.section, reason=REMARK) for _ in range(2)]


@row(condonations.approve, {("condonation.approve", "condonationrequest"): 1})
def _(w: World) -> Any:
    return {"condonation": CondonationFactory(section=w.section, student=w.student, reason=REMARK), **w.by}


@row(condonations.reject, {("condonation.reject", "condonationrequest"): 1})
def _(w: World) -> Any:
    return {"condonation": CondonationFactory(section=w.section, student=w.student, reason=REMARK), **w.by}


@row(condonations.cancel, {("condonation.cancel", "condonationrequest"): 1})
def _(w: World) -> Any:
    condonation = CondonationFactory(section=w.section, student=w.student, reason=REMARK)
    return {"condonation": condonation, "by": w.student.user, "now": w.now}


# -- readers ------------------------------------------------------------------------------------------------------


def agreed(w: World) -> None:
    consents.grant(user=w.student.user, purpose="biometric", text_version="1", **w.by)


def reader(w: World) -> BiometricDevice:
    """At the door of the class; it knows the student as 1."""
    let_readers_in(w.school)
    made = devices.register(school=w.school, serial="CKUH2110001", kind="fingerprint", **w.by)
    devices.assign_pins(device=made.device, pins=[devices.Pin("1", w.student)], **w.by)
    return made.device


@row(devices.register, {("device.register", "biometricdevice"): 1})
def _(w: World) -> Any:
    return {
        "school": w.school,
        "serial": "CKUH2110001",
        "kind": "face",
        "name": "Gate",
        "room": w.room,
        **w.by,
    }


@row(devices.accept, {("device.register", "biometricdevice"): 1})
def _(w: World) -> Any:
    device_calls.meet_unknown(serial="CKUH2110001", address="10.0.0.9", now=w.now)
    return {"school": w.school, "serial": "CKUH2110001", "kind": "face", **w.by}


@row(devices.update, {("device.update", "biometricdevice"): 1})
def _(w: World) -> Any:
    return {"device": reader(w), "changes": {"name": "Gate", "room": w.room, "clock_offset": 3}, **w.by}


@row(devices.deactivate, {("device.update", "biometricdevice"): 1})
def _(w: World) -> Any:
    return {"device": reader(w), **w.by}


@row(devices.rotate_key, {("device.rotate_key", "biometricdevice"): 1})
def _(w: World) -> Any:
    return {"device": reader(w), "by": w.office, "now": w.now + timedelta(days=1)}


@row(
    devices.assign_pins,
    {("device.assign_pins", "biometricdevice"): 1, ("reading.rematch", "school"): 1},
    what="with a reading that waits",
)
def _(w: World) -> Any:
    session, device = w.opened(), reader(w)
    readings.take(device=device, readings=[Reading(session.starts_at, pin="2")], now=session.starts_at)
    return {"device": device, "pins": [devices.Pin("2", w.student)], "by": w.office, "now": session.starts_at}


@row(devices.set_clock, {("device.command", "biometricdevice"): 1})
def _(w: World) -> Any:
    return {"device": reader(w), **w.by}


@row(devices.push_users, {("device.command", "biometricdevice"): 1})
def _(w: World) -> Any:
    return {"device": reader(w), **w.by}


@row(device_calls.take_answers, {("device.update", "biometricdevice"): 1}, actor="system")
def _(w: World) -> Any:
    device = devices.update(device=reader(w), changes={"clock_offset": 300}, **w.by)
    command = devices.set_clock(device=device, **w.by)
    device_calls.fetch_commands(device=device, now=w.now)
    return {"device": device, "answers": [(command.pk, 0)], "now": w.now}


@row(readings.take, {("reading.take", "biometricdevice"): 1}, actor="system")
def _(w: World) -> Any:
    session, device = w.opened(), reader(w)
    return {"device": device, "readings": [Reading(session.starts_at, pin="1")], "now": session.starts_at}


@row(readings.rematch, {("reading.rematch", "school"): 1}, actor="system")
def _(w: World) -> Any:
    session, device = w.scheduled(), reader(w)
    readings.take(device=device, readings=[Reading(session.starts_at, pin="1")], now=session.starts_at)
    sessions.open_session(session=session, by=w.office, now=session.starts_at)
    return {"school": w.school, "now": session.starts_at}


@row(templates.enrol, {("template.enrol", "biometrictemplate"): 1})
def _(w: World) -> Any:
    agreed(w)
    return {"student": w.student, "kind": "fingerprint", "template": "QUJD", **w.by}


@row(templates.remove, {("template.remove", "biometrictemplate"): 1})
def _(w: World) -> Any:
    agreed(w)
    made = templates.enrol(student=w.student, kind="fingerprint", template="QUJD", **w.by)
    return {"template": made, **w.by}


@row(
    templates.withdraw_consent,
    {("consent.withdraw", "consent"): 1, ("template.remove_all", "student"): 1},
)
def _(w: World) -> Any:
    agreed(w)
    templates.enrol(student=w.student, kind="fingerprint", template="QUJD", **w.by)
    return {"student": w.student, **w.by}


@row(
    privacy.withdraw,
    {("consent.withdraw", "consent"): 1, ("template.remove_all", "student"): 1},
    actor="student",
)
def _(w: World) -> Any:
    agreed(w)
    templates.enrol(student=w.student, kind="fingerprint", template="QUJD", **w.by)
    return {"user": w.student.user, "purpose": "biometric", "now": w.now}


# -- attendance: retention -----------------------------------------------------------------------------------------


@row(holds.place, {("hold.place", "legalhold"): 1})
def _(w: World) -> Any:
    return {"school": w.school, "student": w.student, "reason": "court order", "from_date": FROM, **w.by}


@row(holds.lift, {("hold.lift", "legalhold"): 1})
def _(w: World) -> Any:
    return {"hold": holds.place(school=w.school, reason="court order", **w.by), "reason": "settled", **w.by}


@row(anomalies.dismiss, {("anomaly.dismiss", "anomalydismissal"): 1})
def _(w: World) -> Any:
    return {"school": w.school, "anomaly": a_case(w), "remark": REMARK, **w.by}


@row(anomalies.undo, {("anomaly.undo", "anomalydismissal"): 1})
def _(w: World) -> Any:
    return {"dismissal": anomalies.dismiss(school=w.school, anomaly=a_case(w), **w.by), **w.by}


def a_case(w: World) -> Anomaly:
    session = w.opened()
    return Anomaly("outside", str(session.pk), session.pk, session.starts_at, (w.student.pk,), {})


@row(pins_import.import_pins, {("device.assign_pins", "biometricdevice"): 1})
def _(w: World) -> Any:
    return {"device": reader(w), "data": b"pin,enrollment_no\n2,22CSE00001\n", **w.by}


# -- notifications -------------------------------------------------------------------------------------------------


def webhook(w: World) -> Any:
    return webhooks.create(school=w.school, url="https://93.184.216.34/hook", name="Library", **w.by).endpoint


@row(notification_preferences.choose, {("user.choose_notices", "user"): 1})
def _(w: World) -> Any:
    return {"user": w.student.user, "choices": {("absence", "email"): "off"}, **w.by}


@row(webhooks.create, {("webhook.create", "webhookendpoint"): 1})
def _(w: World) -> Any:
    return {"school": w.school, "url": "https://93.184.216.34/hook", "wanted": ["absence"], **w.by}


@row(webhooks.update, {("webhook.update", "webhookendpoint"): 1})
def _(w: World) -> Any:
    return {"endpoint": webhook(w), "changes": {"name": "ERP", "kinds": ["absence"]}, **w.by}


@row(webhooks.remove, {("webhook.remove", "webhookendpoint"): 1})
def _(w: World) -> Any:
    return {"endpoint": webhook(w), **w.by}


@row(webhooks.rotate_secret, {("webhook.rotate_secret", "webhookendpoint"): 1})
def _(w: World) -> Any:
    return {"endpoint": webhook(w), **w.by}


@row(webhooks.send_test, {("webhook.test", "webhookendpoint"): 1})
def _(w: World) -> Any:
    return {"endpoint": webhook(w), **w.by}


@row(webhooks.resume, {("webhook.resume", "webhookendpoint"): 1})
def _(w: World) -> Any:
    endpoint = webhook(w)
    endpoint.failures, endpoint.parked_at = 10, w.now
    endpoint.save()
    return {"endpoint": endpoint, **w.by}


@row(deliveries.deliver, {("webhook.park", "webhookendpoint"): 1})
def _(w: World) -> Any:
    webhooks.send_test(endpoint=webhook(w), **w.by)
    # An address that was let in before private ones were refused.
    WebhookEndpoint.objects.update(failures=deliveries.MOST_FAILURES - 1, url="https://10.0.0.1/")
    return {"now": lambda: w.now}


@row(deliveries.resend, {("delivery.resend", "webhookdelivery"): 1})
def _(w: World) -> Any:
    delivery = webhooks.send_test(endpoint=webhook(w), **w.by)
    delivery.state = "parked"
    delivery.save()
    return {"delivery": delivery, **w.by}


@row(mails.resend, {("mail.resend", "outgoingmail"): 1})
def _(w: World) -> Any:
    mail = OutgoingMail.objects.create(
        school=w.school, user=w.student.user, language="en", kinds=["absence"], state="parked",
        created_at=w.now, next_try_at=w.now,
    )  # fmt: skip
    return {"mail": mail, **w.by}


# -- what stays silent --------------------------------------------------------------------------------------------

_READS = "reads, or computes from what it is given"
_STEP = "a step of services in the table, whose entries tell it"
_AS_OWNER = "works as the owner in transactions of its own: tests/attendance/test_retention.py"
_DERIVED = "keeps what follows from records; the change of the records is told"

#: Public functions of services that leave no entries of their own, and why not.
SILENT: dict[str, str] = {
    # accounts
    "accounts.services.codes.new_code": _READS,
    "accounts.services.credentials.check": "changes nothing of ours; django-axes counts failures",
    "accounts.services.preferences.check_language": _READS,
    "accounts.services.tokens.rotate": "a sign-in that goes on; one that ends for a stolen token is told by its end",
    "accounts.services.tokens.forget": "clears away sign-ins that ended, whose beginning and end are told",
    # academics
    "academics.services.bulk.planned_for": _READS,
    "academics.services.imports.people.overwrite": _STEP,
    "academics.services.imports.places.fold": _READS,
    "academics.services.imports.reading.canonical": _READS,
    "academics.services.imports.reading.decode": _READS,
    "academics.services.imports.reading.read": _READS,
    "academics.services.imports.report.shown": _READS,
    "academics.services.imports.roster.silent": _READS,
    "academics.services.membership_sql.fill_sections": _STEP,
    "academics.services.membership_sql.join_new_sections": _STEP,
    "academics.services.membership_sql.joined_after": _READS,
    "academics.services.membership_sql.leave_old_sections": _STEP,
    "academics.services.memberships.apply_moves": _STEP,
    "academics.services.memberships.lock": "takes a lock",
    "academics.services.numbers.canonical": _READS,
    "academics.services.numbers.is_number": _READS,
    "academics.services.numbers.username_of": _READS,
    "academics.services.scope.same_school": _READS,
    "academics.services.snapshots.refresh_snapshots": "keeps what follows from a student; their change is told",
    # attendance
    "attendance.services.calendar_files.all_day_events": _READS,
    "attendance.services.configuration.ensure": "the defaults of a new school, which the school's entry tells",
    "attendance.services.conflicts.refusal_of": _READS,
    "attendance.services.corrections.standing_mark": _READS,
    "attendance.services.imports.marks.classes_of": _READS,
    "attendance.services.cards.card_index": _READS,
    "attendance.services.export_files.check_size": _READS,
    "attendance.services.export_files.count": _READS,
    "attendance.services.export_files.name_of": _READS,
    "attendance.services.export_files.source_of": _READS,
    "attendance.services.export_files.stream": _STEP,
    "attendance.services.export_files.write": _STEP,
    "attendance.services.export_register.as_html": _READS,
    "attendance.services.export_register.columns": _READS,
    "attendance.services.export_register.rows": _READS,
    "attendance.services.export_register.write_xlsx": _STEP,
    "attendance.services.exports.resume": "asks once more for what was told when it was asked for",
    "attendance.services.device_calls.fetch_commands": "hands out what was told when it was asked for",
    "attendance.services.device_calls.meet_unknown": "a stranger at the door; registering it is told",
    "attendance.services.device_calls.seen": "a sign of life, a hundred times an hour",
    "attendance.services.evidence.attached": _STEP,
    "attendance.services.imports.clashes.overlap": _READS,
    "attendance.services.imports.clashes.with_timetable": _READS,
    "attendance.services.imports.clashes.within_file": _READS,
    "attendance.services.imports.lines.resources_of": _READS,
    "attendance.services.imports.lines.week_minutes": _READS,
    "attendance.services.imports.slots.add_teachers": _STEP,
    "attendance.services.imports.slots.differs": _READS,
    "attendance.services.imports.slots.make_sections": _STEP,
    "attendance.services.imports.slots.make_slots": _STEP,
    "attendance.services.imports.slots.match": _READS,
    "attendance.services.occupancy.free_faculty": _READS,
    "attendance.services.occupancy.lock_timetable": "takes a lock",
    "attendance.services.occupancy.occupy_slot": _STEP,
    "attendance.services.occupancy.place_session": _STEP,
    "attendance.services.occupancy.place_sessions": _STEP,
    "attendance.services.occupancy.write_sessions": _STEP,
    "attendance.services.occurrences.covers": _READS,
    "attendance.services.occurrences.dates_of": _READS,
    "attendance.services.occurrences.departments_of": _READS,
    "attendance.services.occurrences.instants": _READS,
    "attendance.services.replanning.ahead": _READS,
    "attendance.services.replanning.on": _READS,
    "attendance.services.replanning.remove": _STEP,
    "attendance.services.replanning.replan": _STEP,
    "attendance.services.replanning.shape_of": _READS,
    "attendance.services.resources.adopt_batches": _STEP,
    "attendance.services.leave_effect.leave_effect": _READS,
    "attendance.services.mark_rows.look_up": _READS,
    "attendance.services.mark_rows.write": "writes the entries",
    "attendance.services.offline_rules.capture_window": _READS,
    "attendance.services.offline_rules.judge": _READS,
    "attendance.services.offline_rules.judge_all": _READS,
    "attendance.services.offline_rules.refusal": _READS,
    "attendance.services.offline_rules.refused": _READS,
    "attendance.services.offline_rules.status_at": _READS,
    "attendance.services.leave_marks.grant": _STEP,
    "attendance.services.leave_marks.withdraw": _STEP,
    "attendance.services.reading_marks.apply": _STEP,
    "attendance.services.reading_marks.hold": "takes locks",
    "attendance.services.readings.waiting_schools": _READS,
    "attendance.services.scan_line.connect": "opens a connection",
    "attendance.services.scanning.remember": "the trace of a refusal, which changes nothing",
    "attendance.services.screen.series_ends": _READS,
    "attendance.services.sessions.announce": "tells class screens",
    "attendance.services.sessions.free": _STEP,
    "attendance.services.sessions.locked": "takes a lock",
    "attendance.services.sessions.mark_absentees": _STEP,
    "attendance.services.sessions.was_captured": _READS,
    "attendance.services.retention.apply": _AS_OWNER,
    "attendance.services.retention.plan": _READS,
    "attendance.services.retention.plan_of": _READS,
    "attendance.services.retention_evidence.keep": _STEP,
    "attendance.services.retention_evidence.no_new_holds": "takes a lock",
    "attendance.services.retention_evidence.of_entries": _READS,
    "attendance.services.retention_evidence.of_records": _READS,
    "attendance.services.retention_evidence.of_rows": _READS,
    "attendance.services.retention_evidence.write": "writes the entries",
    "attendance.services.retention_rows.plan": _READS,
    "attendance.services.retention_rows.remove": _AS_OWNER,
    "attendance.services.retention_years.plan_entries": _READS,
    "attendance.services.retention_years.plan_records": _READS,
    "attendance.services.retention_years.remove_of_school": _AS_OWNER,
    "attendance.services.retention_years.retire": _AS_OWNER,
    "attendance.services.statistics.add": _DERIVED,
    "attendance.services.statistics.add_marks": _DERIVED,
    "attendance.services.statistics.add_student": _DERIVED,
    "attendance.services.statistics.check": _READS,
    "attendance.services.statistics.rebuild": _DERIVED,
    "attendance.services.statistics.refresh_percentages": _DERIVED,
    "attendance.services.statistics.take": _DERIVED,
    "attendance.services.statistics.take_marks": _DERIVED,
    "attendance.services.statistics.take_student": _DERIVED,
    "attendance.services.summaries.refresh": _DERIVED,
    "attendance.services.scheduler.tell_due": "tells people of classes whose closing is told",
    "attendance.services.tickets.forget": "clears away used tickets, whose marks are told",
    **dict.fromkeys(
        [
            f"attendance.services.notices.{name}"
            for name in (
                "absences_undone",
                "no_longer_absent",
                "condonation_settled",
                "correction_settled",
                "leave_settled",
                "of_absences",
                "of_cancellation",
                "of_condonation_asked",
                "of_condonation_moved",
                "of_correction_asked",
                "of_correction_decided",
                "of_ended_slot",
                "of_extra_class",
                "of_holiday",
                "of_leave_asked",
                "of_leave_decided",
                "of_new_slot",
                "of_new_time",
                "of_substitute",
            )
        ],
        "tells people of what services in the table do",
    ),
    "attendance.services.shortages.tell": "tells people of figures",
    # notifications: their rows are what there is to know, and nobody's decision
    "notifications.services.deliveries.wake": _STEP,
    **dict.fromkeys(
        [
            *(f"notifications.services.leases.{name}" for name in ("claim", "failed", "put_back", "sent")),
            *(f"notifications.services.mails.{name}" for name in ("deliver", "gather")),
            *(f"notifications.services.telling.{name}" for name in ("emit", "notify", "once", "retract")),
        ],
        "keeps rows that say themselves what became of them",
    ),
    "notifications.services.leases.due": _READS,
    "notifications.services.leases.while_time": _READS,
    "notifications.services.leases.pause": _READS,
    "notifications.services.reading.mark_read": "what somebody reads is nobody else's business",
    "notifications.services.retention.forget": "clears away what was read and sent long ago",
    "notifications.services.telling.body_of": _READS,
    "notifications.services.telling.next_digest": _READS,
    # audit: the trail itself
    **dict.fromkeys(
        [
            "audit.services.chain.is_whole",
            "audit.services.chain.items_of",
            "audit.services.chain.manifest",
            "audit.services.chain.mark",
            "audit.services.chain.readable",
            "audit.services.chain.sign",
            "audit.services.chain.start",
            "audit.services.chain.step",
            "audit.services.entries.changed",
            "audit.services.entries.difference",
            "audit.services.entries.plain",
            "audit.services.ledger.earlier_segments",
            "audit.services.ledger.horizon",
            "audit.services.ledger.rows",
            "audit.services.verification.verify",
        ],
        _READS,
    ),
    "audit.services.entries.operation": "writes the entries",
    "audit.services.seals.seal": "writes seals, which tell themselves",
}
