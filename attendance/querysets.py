"""Filters of attendance, and who sees what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Q

from academics.querysets import ReachQuerySet, SchoolOwnedQuerySet
from accounts.enums import Role
from attendance.enums import CondonationStatus, CorrectionStatus, ExportState, LeaveStatus, SessionStatus

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User


class SlotQuerySet(ReachQuerySet):
    def within_reach(self, user: User) -> Self:
        """Faculty: what they teach, what their sections do, what their department holds."""
        from academics.models import Section

        of_sections = self.model.sections.through.objects.filter(section__in=Section.objects.visible_to(user))
        in_front = self.model.faculty.through.objects.filter(faculty__user=user)
        return self.filter(pk__in=of_sections.values("timetableslot").union(in_front.values("timetableslot")))


class SessionQuerySet(ReachQuerySet):
    # Each as a union, of which every part finds its few by an index: an OR over joins walks through all classes.

    def within_reach(self, user: User) -> Self:
        """Faculty: what they teach or stand in for, what their sections do, what their department holds."""
        from academics.models import Section

        return self.filter(
            pk__in=self._in_front(user).union(self._of(section__in=Section.objects.visible_to(user)))
        )

    def taught_by(self, user: User) -> Self:
        """Sessions this person stands in front of, substitutes included."""
        return self.filter(pk__in=self._in_front(user))

    def run_by(self, user: User) -> Self:
        """Sessions that this person runs, as `policies.can_run_session` says of one."""
        mine = self.filter(school_id=user.school_id) if user.role != Role.SUPERUSER else self
        if user.is_office:
            return mine
        headed = self._of(section__course__department__head__user=user)
        return (
            mine.filter(pk__in=self._in_front(user).union(headed))
            if user.role == Role.FACULTY
            else self.none()
        )

    def _in_front(self, user: User) -> models.QuerySet[Any, Any]:
        """Ids of the sessions that this person teaches or stands in for."""
        taught = self.model.faculty.through.objects.filter(faculty__user=user).values("session")
        return taught.union(self.model.objects.filter(substitute__user=user).values("pk"))

    def _of(self, **sections: Any) -> models.QuerySet[Any, Any]:
        """Ids of the sessions of these sections."""
        return self.model.sections.through.objects.filter(**sections).values("session")

    def due_to_open(self, now: datetime) -> Self:
        from datetime import timedelta

        lead = models.F("school__attendance_configuration__open_before_minutes") * models.Value(
            timedelta(minutes=1), output_field=models.DurationField()
        )
        return self.filter(
            status=SessionStatus.SCHEDULED,
            school__attendance_configuration__auto_open_sessions=True,
            starts_at__lte=models.ExpressionWrapper(
                models.Value(now, output_field=models.DateTimeField()) + lead,
                output_field=models.DateTimeField(),
            ),
            ends_at__gt=now,
        )


class RecordQuerySet(ReachQuerySet):
    def within_reach(self, user: User) -> Self:
        if user.role == Role.STUDENT:
            return self.filter(student__user=user)
        sessions = self.model._meta.get_field("session").related_model
        return self.of_sessions(sessions.objects.visible_to(user))

    def of_sessions(self, sessions: models.QuerySet[Any]) -> Self:
        """Those of these classes, each found by the index of its class.

        Asked as an array: of `IN` over a subquery the planner may believe that it is half of all classes, and walk
        through every record that there is.
        """
        return self.filter(_OneOf(models.F("session"), ArraySubquery(sessions.order_by().values("pk"))))


class _OneOf(models.Func):
    """Whether the first is in the second, which is an array."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY ("
    output_field = models.BooleanField()


class RequestQuerySet(ReachQuerySet):
    """What students ask for: their own; faculty see those of the students they teach or head."""

    def within_reach(self, user: User) -> Self:
        from academics.models import Student

        if user.role == Role.STUDENT:
            return self.filter(student__user=user)
        return self.filter(student__in=Student.objects.visible_to(user).values("pk"))

    def reviewable_by(self, user: User) -> Self:
        """Those in which this person has a say."""
        raise NotImplementedError

    def waiting_for(self, user: User) -> Self:
        """Those that this person can decide on now; what one asked for oneself waits for others."""
        raise NotImplementedError

    def readable_by(self, user: User) -> Self:
        """Those whose reason and file this person reads: one's own, and those in which one has a say."""
        return self.filter(
            Q(student__user=user) | Q(pk__in=self.model.objects.reviewable_by(user).values("pk"))
        )


class LeaveQuerySet(RequestQuerySet):
    def reviewable_by(self, user: User) -> Self:
        """The office decides on everybody's; faculty on those whose department they head or whose section is in
        their charge. Who only teaches a student sees that there is a leave, not why."""
        if user.role != Role.FACULTY:
            return self.visible_to(user) if user.is_office else self.none()
        from academics.models import Enrollment

        mine = Enrollment.objects.filter(section__faculty__user=user).values("student")
        return self.filter(Q(student__department__head__user=user) | Q(student__in=mine))

    def with_rights_of(self, user: User) -> Self:
        """Each row knows `may_review`."""
        own = self.model.objects.filter(pk=models.OuterRef("pk")).reviewable_by(user)
        return self.annotate(may_review=models.Exists(own))

    def waiting_for(self, user: User) -> Self:
        return self.reviewable_by(user).filter(status=LeaveStatus.PENDING).exclude(applied_by=user)

    def standing(self) -> Self:
        """Pending or approved: they hold their days."""
        return self.filter(status__in=LeaveStatus.standing())


class CorrectionQuerySet(RequestQuerySet):
    def within_reach(self, user: User) -> Self:
        """Faculty: of the classes they run or head, not of everything else their students do."""
        if user.role == Role.STUDENT:
            return self.filter(student__user=user)
        sessions = self.model._meta.get_field("session").related_model
        return self.filter(session__in=sessions.objects.visible_to(user).values("pk"))

    def reviewable_by(self, user: User) -> Self:
        """Of the classes they run: a correction is a mark by hand."""
        sessions = self.model._meta.get_field("session").related_model
        return self.filter(session__in=sessions.objects.run_by(user).values("pk"))

    def waiting_for(self, user: User) -> Self:
        """Once the class is locked, for the office alone."""
        waiting = self.reviewable_by(user).filter(status=CorrectionStatus.PENDING).exclude(requested_by=user)
        return waiting if user.is_office else waiting.exclude(session__status=SessionStatus.LOCKED)


class CondonationQuerySet(RequestQuerySet):
    """The registrar's list at the end of a term."""

    def within_reach(self, user: User) -> Self:
        """Whoever has a say in it sees it, also where they neither teach nor head the student."""
        heads = self.model.objects.reviewable_by(user).values("pk")
        return self.filter(Q(pk__in=super().within_reach(user).values("pk")) | Q(pk__in=heads))

    def reviewable_by(self, user: User) -> Self:
        """The office decides; who heads the department of the student, or of the course, recommends."""
        mine = self if user.role == Role.SUPERUSER else self.filter(school_id=user.school_id)
        if user.is_office:
            return mine
        heads = Q(student__department__head__user=user) | Q(course__department__head__user=user)
        return mine.filter(heads) if user.role == Role.FACULTY else self.none()

    def waiting_for(self, user: User) -> Self:
        """For a head of department until it is recommended; for the office from then on, or where nobody can."""
        pending, recommended = Q(status=CondonationStatus.PENDING), Q(status=CondonationStatus.RECOMMENDED)
        if user.is_office:
            headless = ~Q(student__department__head__user__is_active=True) & ~Q(
                course__department__head__user__is_active=True
            )
            ripe = recommended | (pending & headless)
        else:
            ripe = pending
        return self.reviewable_by(user).filter(ripe).exclude(requested_by=user)


class OfficeQuerySet(SchoolOwnedQuerySet):
    """What only the office sees."""

    def visible_to(self, user: User) -> Self:
        return super().visible_to(user) if user.is_office else self.none()


class TemplateQuerySet(SchoolOwnedQuerySet):
    """Students know what is kept of them; beside them the office alone."""

    def visible_to(self, user: User) -> Self:
        if user.role == Role.STUDENT:
            return self.filter(student__user=user)
        return super().visible_to(user) if user.is_office else self.none()


class SyncBatchQuerySet(SchoolOwnedQuerySet):
    """Uploads: one's own; the office sees all of its school."""

    def visible_to(self, user: User) -> Self:
        found = super().visible_to(user)
        return found if user.is_office else found.filter(by=user)


class SyncEntryQuerySet(SchoolOwnedQuerySet):
    """What was marked without network: whoever runs the class, and whoever uploaded it."""

    def visible_to(self, user: User) -> Self:
        found = super().visible_to(user)
        if user.is_office:
            return found
        sessions = self.model._meta.get_field("session").related_model
        return found.filter(Q(by=user) | Q(session__in=sessions.objects.run_by(user).values("pk")))


class SyncConflictQuerySet(SchoolOwnedQuerySet):
    """Two marks of one student by hand: whoever runs the class decides, and nobody else has to know."""

    def visible_to(self, user: User) -> Self:
        found = super().visible_to(user)
        if user.is_office:
            return found
        sessions = self.model._meta.get_field("session").related_model
        return found.filter(session__in=sessions.objects.run_by(user).values("pk"))

    def open(self) -> Self:
        """Those that nobody decided."""
        return self.filter(resolved_at__isnull=True)


class ExportQuerySet(SchoolOwnedQuerySet):
    def visible_to(self, user: User) -> Self:
        """One's own: a file holds what its owner may see, and nobody else may see exactly that."""
        return super().visible_to(user).filter(requested_by=user)

    def unfinished(self) -> Self:
        return self.filter(state__in=ExportState.unfinished())


class HoldQuerySet(SchoolOwnedQuerySet):
    def standing(self) -> Self:
        """Those that nobody lifted."""
        return self.filter(lifted_at__isnull=True)

    def covering(self, school: Any, first: Any, last: Any) -> Self:
        """Standing holds of a school that touch any of these days of class; all three may be expressions."""
        return self.standing().filter(
            Q(from_date__isnull=True) | Q(from_date__lte=last),
            Q(until_date__isnull=True) | Q(until_date__gte=first),
            school_id=school,
        )


class StatisticsQuerySet(ReachQuerySet):
    def within_reach(self, user: User) -> Self:
        from academics.models import Section, Student

        if user.role == Role.STUDENT:
            return self.filter(student__user=user)
        sections = Section.objects.visible_to(user)
        return self.filter(
            Q(
                course__in=sections.values("course"),
                student__in=Student.objects.filter(enrollments__section__in=sections).values("pk"),
            )
            | Q(student__in=Student.objects.filter(department__head__user=user).values("pk"))
        )
