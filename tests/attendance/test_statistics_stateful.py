"""Whatever is done to classes and marks, in whatever order: kept figures are what the records say after each of it.

Operations are made up by hypothesis, on a small school with a course that two cohorts share. A normal run makes up the
same ones every time; a deep one explores. A new kind of operation is a `@rule` that calls `attempt`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

import pytest
from django.db import models, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from academics.models import Cohort, Student
from academics.services import memberships, people
from accounts.models import User
from attendance.enums import CorrectionStatus, ExcusedCountsAs, LeaveStatus, SessionStatus, Status
from attendance.models import AttendanceConfiguration, CorrectionRequest, LeaveApplication, Session
from attendance.services import configuration, corrections, leaves, scanning, sessions, statistics
from attendance.services.marking import Mark, bulk_mark, mark
from core.errors import DomainError
from tests.attendance.planning import Plan
from tests.attendance.scans import request_of
from tests.factories import CohortFactory, CourseFactory

pytestmark = pytest.mark.django_db

DEEP = bool(os.environ.get("CAMPUSHUB_DEEP"))
EXAMPLES, STEPS = (400, 50) if DEEP else (80, 20)
#: How many operations have to be done in a normal run, beside those that are refused.
DONE = 500

M = TypeVar("M", bound=models.Model)

#: Which of the things at hand: what there is to choose from is known only when the rule runs.
ANY = st.integers(0, 2**16)
STATUSES = st.sampled_from(Status.values)
#: Rules of the school that change figures, or what is counted, with values for each.
RULES: dict[str, list[Any]] = {
    "late_weight": [Decimal(0), Decimal("0.5"), Decimal(1)],
    "excused_counts_as": list(ExcusedCountsAs.values),
    "attendance_threshold_percent": [75, 80],
    "auto_mark_absent": [True, False],
}


@dataclass(frozen=True)
class Campus:
    """Where it happens; rows are read anew for each operation."""

    plan: Plan
    teacher: User
    now: datetime


@pytest.fixture
def campus() -> Campus:
    """Five students of two cohorts, a course of both and one of the first; classes of each and a combined lecture.

    Two of the classes were held: in each one is excused, and one was late and says that they were not. Two are open.
    One student asks for leave, another has it.
    """
    plan = Plan.new(configuration__max_correction_days=365)
    a, b = (CohortFactory(school=plan.school, code=code) for code in ("CSE-A", "CSE-B"))
    shared, own = (CourseFactory(school=plan.school, code=code) for code in ("CS301", "MA301"))
    for_a, for_b = (plan.section(course=shared, cohort=cohort) for cohort in (a, b))
    only_a = plan.section(course=own, cohort=a)
    teacher = plan.teacher()
    for number, cohort in (("S1", a), ("S2", a), ("S3", a), ("S4", b), ("S5", b)):
        people.create_student(
            school=plan.school, enrollment_no=number, full_name=number, cohort=cohort, by=plan.office,
            now=plan.now,
        )  # fmt: skip
    for day, sections in enumerate(
        ([for_a], [for_b], [for_a, for_b], [only_a], [for_a], [for_b], [only_a]), start=3
    ):
        plan.extra_class(f"2026-11-{day:02} 09:00", sections=sections, faculty=[teacher])
    campus = Campus(plan, teacher.user, plan.at("2026-11-12 12:00"))
    for session in Session.objects.order_by("starts_at")[:4]:
        sessions.open_session(session=session, by=campus.teacher, now=campus.now)
    for session in Session.objects.order_by("starts_at")[:2]:
        student, other = Student.objects.filter(enrollments__section__sessions=session).order_by("pk")[:2]
        marks = [Mark(student.enrollment_no, Status.LATE), Mark(other.enrollment_no, Status.EXCUSED)]
        bulk_mark(session=session, marks=marks, by=campus.teacher, now=campus.now)
        session = sessions.close_session(session=session, by=campus.teacher, now=campus.now)
        corrections.request_correction(
            session=session, student=student, requested_status=Status.PRESENT, reason="why",
            by=student.user, now=campus.now,
        )  # fmt: skip
    for number, days in (("S3", (3, 9)), ("S5", (4, 6))):
        student = Student.objects.get(enrollment_no=number)
        leave = leaves.apply_for(
            student=student, kind="medical", from_date=date(2026, 11, days[0]), to_date=date(2026, 11, days[1]),
            reason="why", by=student.user, now=campus.now,
        )  # fmt: skip
        if number == "S5":
            leaves.approve(leave=leave, by=plan.office, now=campus.now)
    return campus


def some_class_is(*statuses: SessionStatus) -> Callable[[Any], Any]:
    """Where there is no such class the operation is not tried: most of a sequence would be refusals."""
    return precondition(lambda machine: bool(machine.statuses & set(statuses)))


class Operations(RuleBasedStateMachine):
    """Each sequence begins with the campus as it was made and is taken back at its end."""

    campus: ClassVar[Campus]
    #: How often each operation was done, or refused with which code, in all sequences together.
    tally: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.whole = transaction.atomic()
        self.whole.__enter__()
        self.look()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.whole.__exit__(None, None, None)

    @invariant()
    def figures_are_what_the_records_say(self) -> None:
        assert statistics.check() == []

    # -- tools ------------------------------------------------------------------------------------------------------

    def attempt(self, what: str, act: Callable[[], Any]) -> None:
        """Do it, or be refused: either way the figures have to stay true."""
        try:
            with transaction.atomic():
                act()
        except DomainError as refusal:
            self.tally[f"{what}: {refusal.code}"] += 1
        else:
            self.tally[what] += 1
        self.look()

    def look(self) -> None:
        """What there is, for operations that need it."""
        self.statuses = set(Session.objects.values_list("status", flat=True))
        self.asked = CorrectionRequest.objects.exists()
        self.leaves = set(LeaveApplication.objects.values_list("status", flat=True))

    def by(self, *, office: bool = True) -> dict[str, Any]:
        """Who acts, and when."""
        return {"by": self.campus.plan.office if office else self.campus.teacher, "now": self.campus.now}

    def session(self, which: int, *wanted: SessionStatus) -> Session:
        """A class in one of these states if there is any, else just some class, which refuses."""
        found = Session.objects.select_related("school__attendance_configuration").order_by("starts_at")
        return self._one(which, list(found.filter(status__in=wanted)) or list(found))

    def student(self, who: int) -> Student:
        return self._one(who, list(Student.objects.order_by("enrollment_no")))

    def student_of(self, session: Session, who: int) -> Student:
        """Somebody on its roster, as long as there is anybody."""
        present = Student.objects.filter(enrollments__section__sessions=session)
        found = present.filter(
            models.Q(enrollments__left_on=None) | models.Q(enrollments__left_on__gt=session.held_on)
        )
        return self._one(who, list(found.order_by("enrollment_no").distinct()) or list(Student.objects.all()))

    def _one(self, which: int, rows: Sequence[M]) -> M:
        return rows[which % len(rows)]

    # -- classes ----------------------------------------------------------------------------------------------------

    @some_class_is(SessionStatus.SCHEDULED)
    @rule(which=ANY)
    def open(self, which: int) -> None:
        session = self.session(which, SessionStatus.SCHEDULED)
        self.attempt("open", lambda: sessions.open_session(session=session, **self.by(office=False)))

    @some_class_is(SessionStatus.OPEN)
    @rule(which=ANY)
    def close(self, which: int) -> None:
        session = self.session(which, SessionStatus.OPEN)
        self.attempt("close", lambda: sessions.close_session(session=session, **self.by(office=False)))

    @some_class_is(SessionStatus.CLOSED)
    @rule(which=ANY, what=st.sampled_from(["reopen", "void", "lock"]))
    def leave_closed(self, which: int, what: str) -> None:
        session, by = self.session(which, SessionStatus.CLOSED), self.by()
        moves: dict[str, Callable[[], Any]] = {
            "reopen": lambda: sessions.reopen_session(session=session, reason="why", **by),
            "void": lambda: sessions.void_session(session=session, reason="why", **by),
            "lock": lambda: sessions.lock_session(session=session, **by),
        }
        self.attempt(what, moves[what])

    @some_class_is(SessionStatus.SCHEDULED)
    @rule(which=ANY)
    def forget(self, which: int) -> None:
        session = self.session(which, SessionStatus.SCHEDULED)
        self.attempt("forget", lambda: sessions.leave_unconfirmed(session=session, now=self.campus.now))

    @some_class_is(SessionStatus.UNCONFIRMED)
    @rule(which=ANY, held=st.booleans())
    def confirm(self, which: int, held: bool) -> None:
        session = self.session(which, SessionStatus.UNCONFIRMED)
        self.attempt("confirm", lambda: sessions.confirm_session(session=session, held=held, **self.by()))

    # -- marks ------------------------------------------------------------------------------------------------------

    @some_class_is(SessionStatus.OPEN)
    @rule(which=ANY, who=ANY)
    def scan(self, which: int, who: int) -> None:
        session = self.session(which, SessionStatus.OPEN)
        request = request_of(session, self.student_of(session, who), at=self.campus.now)
        (answer,) = scanning.scan([request], now=self.campus.now)
        self.tally["scan" if answer.code == "recorded" else f"scan: {answer.code}"] += 1

    @rule(which=ANY, who=ANY, status=STATUSES, office=st.booleans())
    def mark_one(self, which: int, who: int, status: str, office: bool) -> None:
        session = self.session(which, SessionStatus.OPEN, SessionStatus.CLOSED, SessionStatus.LOCKED)
        number = self.student_of(session, who).enrollment_no
        self.attempt(
            "mark",
            lambda: mark(
                session=session, student=number, status=status, reason="why", **self.by(office=office)
            ),
        )

    @rule(
        which=ANY,
        marks=st.lists(st.tuples(ANY, st.one_of(st.none(), STATUSES)), min_size=1, max_size=5),
        atomic=st.booleans(),
    )
    def mark_many(self, which: int, marks: list[tuple[int, str | None]], atomic: bool) -> None:
        session = self.session(which, SessionStatus.OPEN, SessionStatus.CLOSED, SessionStatus.LOCKED)
        wanted = [Mark(self.student(who).enrollment_no, status) for who, status in marks]
        self.attempt(
            "mark many",
            lambda: bulk_mark(session=session, marks=wanted, atomic=atomic, reason="why", **self.by()),
        )

    # -- corrections ------------------------------------------------------------------------------------------------

    @some_class_is(SessionStatus.CLOSED, SessionStatus.LOCKED)
    @rule(which=ANY, who=ANY, status=STATUSES)
    def ask(self, which: int, who: int, status: str) -> None:
        session = self.session(which, SessionStatus.CLOSED, SessionStatus.LOCKED)
        student = self.student_of(session, who)
        self.attempt(
            "ask",
            lambda: corrections.request_correction(
                session=session, student=student, requested_status=status, reason="why",
                by=student.user, now=self.campus.now,
            ),
        )  # fmt: skip

    def request(self, which: int) -> CorrectionRequest:
        """One that nobody has decided if there is any, else just some."""
        found = CorrectionRequest.objects.order_by("pk")
        return self._one(which, list(found.filter(status=CorrectionStatus.PENDING)) or list(found))

    @precondition(lambda self: self.asked)
    @rule(which=ANY, office=st.booleans())
    def approve(self, which: int, office: bool) -> None:
        correction = self.request(which)
        self.attempt(
            "approve",
            lambda: corrections.approve(correction=correction, remarks="seen", **self.by(office=office)),
        )

    @precondition(lambda self: self.asked)
    @rule(which=ANY, decision=st.sampled_from([corrections.reject, corrections.cancel]))
    def refuse(self, which: int, decision: Callable[..., Any]) -> None:
        correction = self.request(which)
        self.attempt(decision.__name__, lambda: decision(correction=correction, **self.by()))

    # -- leave ------------------------------------------------------------------------------------------------------

    @rule(
        who=ANY,
        kind=st.sampled_from(["medical", "on_duty"]),
        first=st.dates(date(2026, 11, 2), date(2026, 11, 12)),
        days=st.integers(0, 4),
    )
    def apply_for_leave(self, who: int, kind: str, first: date, days: int) -> None:
        student = self.student(who)
        self.attempt(
            "leave",
            lambda: leaves.apply_for(
                student=student, kind=kind, from_date=first, to_date=first + timedelta(days=days), reason="why",
                by=student.user, now=self.campus.now,
            ),
        )  # fmt: skip

    def leave(self, which: int, wanted: LeaveStatus) -> LeaveApplication:
        """One in that state if there is any, else just some."""
        found = LeaveApplication.objects.order_by("pk")
        return self._one(which, list(found.filter(status=wanted)) or list(found))

    @precondition(lambda self: self.leaves)
    @rule(which=ANY, decision=st.sampled_from([leaves.approve, leaves.approve, leaves.reject]))
    def decide_on_leave(self, which: int, decision: Callable[..., Any]) -> None:
        leave = self.leave(which, LeaveStatus.PENDING)
        self.attempt(
            f"leave {decision.__name__}",
            lambda: decision(leave=leave, remarks="seen", **self.by(office=False)),
        )

    @precondition(lambda self: LeaveStatus.APPROVED in self.leaves)
    @rule(which=ANY, office=st.booleans())
    def revoke_leave(self, which: int, office: bool) -> None:
        leave = self.leave(which, LeaveStatus.APPROVED)
        self.attempt(
            "leave revoke", lambda: leaves.revoke(leave=leave, remarks="why", **self.by(office=office))
        )

    # -- around them ------------------------------------------------------------------------------------------------

    @rule(who=ANY, where=ANY, on=st.dates(date(2026, 11, 2), date(2026, 11, 12)))
    def transfer(self, who: int, where: int, on: date) -> None:
        student = self.student(who)
        others = Cohort.objects.exclude(pk=student.cohort_id).order_by("code")
        cohort = self._one(where, list(others))
        self.attempt(
            "transfer", lambda: memberships.transfer(student=student, cohort=cohort, on=on, **self.by())
        )

    @rule(name=st.sampled_from(sorted(RULES)), value=ANY)
    def change_a_rule(self, name: str, value: int) -> None:
        rules = AttendanceConfiguration.objects.get()
        others = [other for other in RULES[name] if other != getattr(rules, name)]
        changes = {name: others[value % len(others)]}
        self.attempt("rule", lambda: configuration.update(configuration=rules, changes=changes, **self.by()))


#: What has to have been done at least once for the run to mean anything.
EVERY = {
    "open", "close", "reopen", "void", "lock", "forget", "confirm", "scan", "mark", "mark many", "ask", "approve",
    "reject", "cancel", "transfer", "rule", "leave", "leave approve", "leave reject", "leave revoke",
}  # fmt: skip


def test_after_each_of_500_operations_the_figures_are_what_the_records_say(campus: Campus) -> None:
    tally: Counter[str] = Counter()
    machine = type("Machine", (Operations,), {"campus": campus, "tally": tally})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=not DEEP,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )

    done = {what: count for what, count in tally.items() if ": " not in what}
    assert sum(done.values()) >= DONE, tally
    assert EVERY - done.keys() == set(), tally
