"""Who may do what in attendance: one answer for the API, pages and admin.

Every function takes (user, object) and says yes or no. Objects of another school never get this far: lookups
are scoped by `visible_to` or within the school first.
"""

from __future__ import annotations

from academics.models import Department, Faculty, Section, Student
from academics.policies import can_view_section, is_office_of
from accounts.enums import Role
from accounts.models import School, User
from accounts.policies import may_mark
from attendance.models import (
    AttendanceRecord,
    BiometricDevice,
    BiometricTemplate,
    CondonationRequest,
    CorrectionRequest,
    Holiday,
    LeaveApplication,
    Session,
    SyncConflict,
    TimetableSlot,
)


def heads_department_of(user: User, session: Session) -> bool:
    """Head of a department whose course or cohort the session belongs to."""
    if user.role != Role.FACULTY or not user.may_reach(session.school_id):
        return False
    return Section.objects.filter(
        sessions=session, course__department__in=Department.objects.filter(head__user=user)
    ).exists()


def teaches(user: User, session: Session) -> bool:
    """Stands in front of this session: its faculty or its substitute."""
    if user.role != Role.FACULTY or not user.may_reach(session.school_id):
        return False
    if session.substitute_id and Faculty.objects.filter(pk=session.substitute_id, user=user).exists():
        return True
    return session.faculty.filter(user=user).exists()


def can_view_session(user: User, session: Session) -> bool:
    return Session.objects.visible_to(user).filter(pk=session.pk).exists()


def can_run_session(user: User, session: Session) -> bool:
    """Open, close, reopen, confirm, show codes and mark: its faculty, substitute, head of department, office."""
    return (
        is_office_of(user, session.school_id) or teaches(user, session) or heads_department_of(user, session)
    )


can_mark = can_run_session


def can_view_roster(user: User, session: Session) -> bool:
    """Names and marks of a whole class: whoever runs it or teaches one of its sections; never students."""
    if user.role == Role.STUDENT:
        return False
    return can_run_session(user, session) or (
        user.role in {Role.FACULTY, Role.INTEGRATOR} and can_view_session(user, session)
    )


def can_arrange_session(user: User, session: Session) -> bool:
    """Cancel, re-time, appoint a substitute: its faculty, head of department, office."""
    return can_run_session(user, session)


def can_void_session(user: User, session: Session) -> bool:
    """Take a held class out of everybody's figures: head of department or office only."""
    return is_office_of(user, session.school_id) or heads_department_of(user, session)


def can_lock_session(user: User, session: Session) -> bool:
    return is_office_of(user, session.school_id)


def can_create_session(user: User, sections: list[Section]) -> bool:
    """An extra class: by the office, or by faculty for sections that they teach or head."""
    if not sections:
        return False
    if all(is_office_of(user, section.school_id) for section in sections):
        return True
    if user.role != Role.FACULTY:
        return False
    reach = Section.objects.visible_to(user).filter(pk__in=[section.pk for section in sections])
    return reach.count() == len({section.pk for section in sections})


def can_create_sessions(user: User, school: School) -> bool:
    """Whether this person may plan extra classes at all; which sections, `can_create_session` says."""
    return is_office_of(user, school.pk) or (user.role == Role.FACULTY and user.may_reach(school.pk))


def can_mark_classes(user: User) -> bool:
    """Whether this person marks students at all; in which class, `can_mark` says."""
    return may_mark(user)


def can_plan(user: User, school: School | None) -> bool:
    """Timetable, holidays and generation: the office."""
    return school is not None and is_office_of(user, school.pk)


def can_change_plan(user: User, thing: TimetableSlot | Holiday) -> bool:
    """Change or remove a slot or holiday: the office."""
    return is_office_of(user, thing.school_id)


def can_view_holiday(user: User, holiday: Holiday) -> bool:
    """Holidays are no secret to the people of the school."""
    return user.may_reach(holiday.school_id)


def can_view_slot(user: User, slot: TimetableSlot) -> bool:
    return TimetableSlot.objects.visible_to(user).filter(pk=slot.pk).exists()


def can_configure(user: User, school_id: int | None) -> bool:
    return is_office_of(user, school_id)


def can_view_configuration(user: User, school_id: int | None) -> bool:
    """The rules of a school are no secret to its people."""
    return user.may_reach(school_id)


def can_view_record(user: User, record: AttendanceRecord) -> bool:
    return AttendanceRecord.objects.visible_to(user).filter(pk=record.pk, held_on=record.held_on).exists()


def can_change_record(user: User, record: AttendanceRecord) -> bool:
    return can_mark(user, record.session)


def can_view_student_figures(user: User, student: Student) -> bool:
    """A student's percentages: the student, whoever teaches them, the office."""
    return Student.objects.visible_to(user).filter(pk=student.pk).exists()


def can_view_summaries(user: User) -> bool:
    """Figures of whole classes: everybody but students; of which classes, the two below and `visible_to` say."""
    return not is_student(user)


def can_view_section_figures(user: User, section: Section) -> bool:
    """A section's students with their percentages: whoever teaches or heads it, the office; never students."""
    return can_view_summaries(user) and can_view_section(user, section)


def can_view_department_figures(user: User, department: Department) -> bool:
    """All sections of a department: its head and the office; teaching one of them is not enough."""
    if user.role == Role.FACULTY:
        return Department.objects.filter(pk=department.pk, head__user=user).exists()
    return can_view_summaries(user) and user.may_reach(department.school_id)


def can_view_audit(user: User, school_id: int | None) -> bool:
    return is_office_of(user, school_id)


def is_student(user: User) -> bool:
    """Sees their own records only, never those of a whole class."""
    return user.role == Role.STUDENT


can_scan = is_student


def can_ask_for_leave(user: User, school: School) -> bool:
    """Whether this person applies for leave at all; for whom, `can_apply_for_leave` says."""
    return is_student(user) or is_office_of(user, school.pk)


def can_apply_for_leave(user: User, student: Student) -> bool:
    """For oneself; the office for anybody who cannot."""
    return student.user_id == user.pk or is_office_of(user, student.school_id)


def can_view_leave(user: User, leave: LeaveApplication) -> bool:
    return LeaveApplication.objects.visible_to(user).filter(pk=leave.pk).exists()


def can_review_leave(user: User, leave: LeaveApplication) -> bool:
    """Approve, reject, revoke: see `LeaveQuerySet.reviewable_by`; what one asked for oneself the service refuses."""
    return LeaveApplication.objects.filter(pk=leave.pk).reviewable_by(user).exists()


def can_change_leave(user: User, leave: LeaveApplication) -> bool:
    """Change or cancel it while it is pending: whoever it is for, and who applied for them."""
    return user.pk in {leave.applied_by_id, leave.student.user_id}


def can_read_leave(user: User, leave: LeaveApplication) -> bool:
    """Its reason and file: whoever it is for or who applied, and who may decide."""
    return can_change_leave(user, leave) or can_review_leave(user, leave)


# -- corrections and condonation ------------------------------------------------------------------------------------

Request = CorrectionRequest | CondonationRequest

#: Students ask, for themselves.
can_ask = is_student


def can_view_request(user: User, request: Request) -> bool:
    return type(request).objects.visible_to(user).filter(pk=request.pk).exists()


def can_read_request(user: User, request: Request) -> bool:
    """Its reason and file, which may be about somebody's health: the student, and who has a say in it."""
    return type(request).objects.readable_by(user).filter(pk=request.pk).exists()


def can_cancel_request(user: User, request: Request) -> bool:
    """Take back what one asked for."""
    return request.student.user_id == user.pk


def can_review_correction(user: User, request: CorrectionRequest) -> bool:
    """Whoever runs the class and so could mark the student by hand."""
    return can_run_session(user, request.session)


def can_recommend_condonation(user: User, request: CondonationRequest) -> bool:
    """The head of the student's department, or of the course's."""
    return (
        user.role == Role.FACULTY
        and CondonationRequest.objects.reviewable_by(user).filter(pk=request.pk).exists()
    )


def can_decide_condonation(user: User, request: CondonationRequest) -> bool:
    return is_office_of(user, request.school_id)


def can_export_condonations(user: User) -> bool:
    """The registrar's list."""
    return user.is_office


# -- marks made without network -------------------------------------------------------------------------------------


def can_resolve_conflict(user: User, conflict: SyncConflict) -> bool:
    """Look at it and decide: whoever runs the class, and so could mark the student by hand."""
    return can_run_session(user, conflict.session)


# -- readers --------------------------------------------------------------------------------------------------------


def can_manage_devices(user: User, school_id: int | None) -> bool:
    """Readers, their numbers and what students are recognised by: the office."""
    return is_office_of(user, school_id)


def can_change_device(user: User, device: BiometricDevice) -> bool:
    return can_manage_devices(user, device.school_id)


def can_change_template(user: User, template: BiometricTemplate) -> bool:
    return can_manage_devices(user, template.school_id)


def can_view_template(user: User, template: BiometricTemplate) -> bool:
    """That it is there: the student and the office."""
    return BiometricTemplate.objects.visible_to(user).filter(pk=template.pk).exists()


def can_place_hold(user: User, school_id: int | None) -> bool:
    """Keep records beyond their time, and let them go again: the school's office."""
    return is_office_of(user, school_id)
