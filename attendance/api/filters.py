"""Filters of the lists of attendance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField

from academics.api.filters import SchoolFilterSet, UpperCharFilter
from academics.models import Faculty, Section
from accounts.models import User
from attendance.api.fields import FIRST_DAY, LAST_DAY
from attendance.enums import (
    CondonationStatus,
    CorrectionStatus,
    DeviceKind,
    ExportKind,
    ExportState,
    HolidayKind,
    LeaveKind,
    LeaveStatus,
    ReadingReason,
    ReadingState,
    SessionStatus,
    Source,
    Status,
    Weekday,
)
from attendance.models import (
    AttendanceRecord,
    BiometricDevice,
    BiometricTemplate,
    CondonationRequest,
    CorrectionRequest,
    DeviceEvent,
    ExportJob,
    Holiday,
    LeaveApplication,
    Session,
    SyncConflict,
    TimetableSlot,
)
from audit.models import AuditEntry
from core.api.truth import TruthFilter


class InstantField(IsoDateTimeField):
    """An instant of a plausible year, in UTC: PostgreSQL knows fewer offsets than ISO 8601."""

    def clean(self, value: Any) -> datetime | None:
        instant: datetime | None = super().clean(value)
        if instant is None:
            return None
        if not FIRST_DAY.year <= instant.year <= LAST_DAY.year:
            raise ValidationError(_("Nothing happened in that year."), code="out_of_range")
        return instant.astimezone(UTC)


class InstantFilter(filters.IsoDateTimeFilter):
    field_class = InstantField


class OneSchoolFilterSet(filters.FilterSet):
    """For lists of one school at a time, which the view looks up: too long to be sorted over all of them."""

    school = filters.CharFilter(
        method="by_school", label="Code of the school: only operators of several schools need to say it."
    )

    def by_school(self, queryset: Any, name: str, value: str) -> Any:
        return queryset


class DaysFilterSet(filters.FilterSet):
    """``?from=&to=`` (both included) over the date named by `day_field`."""

    day_field = "held_on"

    @classmethod
    def get_filters(cls) -> Any:
        # `from` cannot be written as an attribute.
        found = super().get_filters()
        found["from"] = filters.DateFilter(field_name=cls.day_field, lookup_expr="gte", label="First day.")
        found["to"] = filters.DateFilter(field_name=cls.day_field, lookup_expr="lte", label="Last day.")
        return found


class HolidayFilterSet(SchoolFilterSet, DaysFilterSet):
    day_field = "date"

    kind = filters.ChoiceFilter(choices=HolidayKind.choices)
    department = filters.CharFilter(
        field_name="department__code", lookup_expr="iexact", label="Code of the department."
    )

    class Meta:
        model = Holiday
        fields: list[str] = []


class _TaughtFilterSet(SchoolFilterSet):
    """Filters over the sections and faculty of slots and sessions."""

    section = filters.UUIDFilter(method="by_section", label="Id of a section.")
    course = filters.CharFilter(method="by_course", label="Code of a course.")
    cohort = filters.CharFilter(method="by_cohort", label="Code of a cohort.")
    faculty = filters.CharFilter(method="by_faculty", label="Employee number, substitutes included.")
    room = filters.CharFilter(field_name="room__code", lookup_expr="iexact", label="Code of the room.")

    # Sub-queries, not joins: a class of two sections must not be listed twice.
    def by_section(self, queryset: Any, name: str, value: Any) -> Any:
        return queryset.filter(pk__in=queryset.model.objects.filter(sections=value).values("pk"))

    def by_course(self, queryset: Any, name: str, value: str) -> Any:
        return self._of_sections(queryset, Section.objects.filter(course__code__iexact=value))

    def by_cohort(self, queryset: Any, name: str, value: str) -> Any:
        return self._of_sections(queryset, Section.objects.filter(cohort__code__iexact=value))

    def by_faculty(self, queryset: Any, name: str, value: str) -> Any:
        who = Faculty.objects.filter(employee_no=value.upper())
        return queryset.filter(pk__in=queryset.model.objects.filter(faculty__in=who).values("pk"))

    def _of_sections(self, queryset: Any, sections: Any) -> Any:
        return queryset.filter(pk__in=queryset.model.objects.filter(sections__in=sections).values("pk"))


class SlotFilterSet(_TaughtFilterSet):
    weekday = filters.TypedChoiceFilter(choices=Weekday.choices, coerce=int)
    on = filters.DateFilter(method="filter_on", label="Slots that are valid on this date.")

    class Meta:
        model = TimetableSlot
        fields: list[str] = []

    def filter_on(self, queryset: Any, name: str, value: Any) -> Any:
        return queryset.filter(valid_from__lte=value, valid_until__gte=value)


class SessionFilterSet(_TaughtFilterSet, DaysFilterSet):
    status = filters.MultipleChoiceFilter(
        choices=SessionStatus.choices, distinct=False, label="Repeat it for several."
    )
    held_on = filters.DateFilter()
    slot = filters.UUIDFilter(field_name="slot_id")
    extra = TruthFilter(field_name="slot", lookup_expr="isnull", label="Not from the timetable.")

    class Meta:
        model = Session
        fields: list[str] = []

    def by_faculty(self, queryset: Any, name: str, value: str) -> Any:
        who = Faculty.objects.filter(employee_no=value.upper())
        own = queryset.model.objects.filter(faculty__in=who).values("pk")
        return queryset.filter(
            pk__in=own.union(queryset.model.objects.filter(substitute__in=who).values("pk"))
        )


class RecordFilterSet(OneSchoolFilterSet, DaysFilterSet):
    # The session's day, by which the list is ordered and an index found.
    day_field = "session__held_on"

    session = filters.UUIDFilter(field_name="session_id")
    student = UpperCharFilter(field_name="student__enrollment_no", label="Enrollment number.")
    section = filters.UUIDFilter(method="by_section", label="Id of a section.")
    course = filters.CharFilter(method="by_course", label="Code of a course.")
    status = filters.MultipleChoiceFilter(
        choices=Status.choices, distinct=False, label="Repeat it for several."
    )
    source = filters.MultipleChoiceFilter(
        choices=Source.choices, distinct=False, label="Repeat it for several."
    )

    class Meta:
        model = AttendanceRecord
        fields: list[str] = []

    def by_section(self, queryset: Any, name: str, value: Any) -> Any:
        return self._of_sections(queryset, Section.objects.filter(pk=value))

    def by_course(self, queryset: Any, name: str, value: str) -> Any:
        return self._of_sections(queryset, Section.objects.filter(course__code__iexact=value))

    def _of_sections(self, queryset: Any, sections: Any) -> Any:
        # Through their classes as well: records have an index of those, none of sections. Looked up first, so
        # that the planner knows how few they are.
        ids = list(sections.values_list("pk", flat=True))
        held = Session.objects.filter(sections__in=ids)
        return queryset.filter(section__in=ids).of_sessions(held) if ids else queryset.none()


class LeaveFilterSet(SchoolFilterSet):
    student = UpperCharFilter(field_name="student__enrollment_no", label="Enrollment number.")
    kind = filters.MultipleChoiceFilter(
        choices=LeaveKind.choices, distinct=False, label="Repeat it for several."
    )
    status = filters.MultipleChoiceFilter(
        choices=LeaveStatus.choices, distinct=False, label="Repeat it for several."
    )
    to_review = TruthFilter(method="by_right", label="Pending ones on which you may decide.")
    on = filters.DateFilter(method="by_day", label="Those that this date lies in.")

    class Meta:
        model = LeaveApplication
        fields: list[str] = []

    def by_day(self, queryset: Any, name: str, value: Any) -> Any:
        return queryset.filter(from_date__lte=value, to_date__gte=value)

    def by_right(self, queryset: Any, name: str, value: bool) -> Any:
        wanted = queryset.model.objects.reviewable_by(self.request.user).filter(status=LeaveStatus.PENDING)
        found = queryset.filter if value else queryset.exclude
        return found(pk__in=wanted.values("pk"))


class AuditFilterSet(OneSchoolFilterSet):
    object_type = filters.CharFilter(label="Such as session or attendancerecord.")
    object_id = filters.CharFilter()
    action = filters.CharFilter(label="Such as session.open.")
    actor = filters.CharFilter(method="by_actor", label="User name.")
    operation = filters.UUIDFilter(field_name="operation_id")

    class Meta:
        model = AuditEntry
        fields: list[str] = []

    @classmethod
    def get_filters(cls) -> Any:
        # `from` cannot be written as an attribute.
        found = super().get_filters()
        found["from"] = InstantFilter(field_name="at", lookup_expr="gte", label="Not before.")
        found["to"] = InstantFilter(field_name="at", lookup_expr="lt", label="Before.")
        return found

    def by_actor(self, queryset: Any, name: str, value: str) -> Any:
        # A number, not a sub-query: the partitions' indexes are chosen by it.
        who = list(User.objects.filter(username=value.lower()).values_list("pk", flat=True))
        return queryset.filter(actor_id__in=who)


class CorrectionFilterSet(SchoolFilterSet, DaysFilterSet):
    day_field = "session__held_on"

    session = filters.UUIDFilter(field_name="session_id")
    student = UpperCharFilter(field_name="student__enrollment_no", label="Enrollment number.")
    course = filters.CharFilter(method="by_course", label="Code of a course.")
    status = filters.MultipleChoiceFilter(
        choices=CorrectionStatus.choices, distinct=False, label="Repeat it for several."
    )

    class Meta:
        model = CorrectionRequest
        fields: list[str] = []

    # A sub-query, not a join: a class of two sections must not be listed twice.
    def by_course(self, queryset: Any, name: str, value: str) -> Any:
        held = Session.objects.filter(sections__course__code__iexact=value)
        return queryset.filter(session__in=held.values("pk"))


class ConflictFilterSet(SchoolFilterSet):
    session = filters.UUIDFilter(field_name="session_id")
    student = UpperCharFilter(field_name="student__enrollment_no", label="Enrollment number.")
    resolved = TruthFilter(
        field_name="resolved_at", lookup_expr="isnull", exclude=True, label="Those that somebody decided."
    )

    class Meta:
        model = SyncConflict
        fields: list[str] = []


class CondonationFilterSet(SchoolFilterSet):
    student = UpperCharFilter(field_name="student__enrollment_no", label="Enrollment number.")
    course = filters.CharFilter(field_name="course__code", lookup_expr="iexact", label="Code of a course.")
    term = filters.NumberFilter(
        field_name="term_id", min_value=0, max_value=2**31 - 1, decimal_places=0, label="Id of the term."
    )
    department = filters.CharFilter(
        field_name="student__department__code",
        lookup_expr="iexact",
        label="Code of the student's department.",
    )
    status = filters.MultipleChoiceFilter(
        choices=CondonationStatus.choices, distinct=False, label="Repeat it for several."
    )

    class Meta:
        model = CondonationRequest
        fields: list[str] = []

    @classmethod
    def get_filters(cls) -> Any:
        # `from` cannot be written as an attribute.
        found = super().get_filters()
        found["from"] = InstantFilter(field_name="requested_at", lookup_expr="gte", label="Not before.")
        found["to"] = InstantFilter(field_name="requested_at", lookup_expr="lt", label="Before.")
        return found


class DeviceFilterSet(SchoolFilterSet):
    kind = filters.ChoiceFilter(choices=DeviceKind.choices)
    room = filters.CharFilter(field_name="room__code", lookup_expr="iexact", label="Code of a room.")
    is_active = TruthFilter()

    class Meta:
        model = BiometricDevice
        fields: list[str] = []


class ReadingFilterSet(SchoolFilterSet):
    device = filters.CharFilter(field_name="device__serial", label="Serial number.")
    student = UpperCharFilter(field_name="student__enrollment_no", label="Enrollment number.")
    session = filters.UUIDFilter(field_name="session_id")
    pin = filters.CharFilter()
    state = filters.MultipleChoiceFilter(
        choices=ReadingState.choices, distinct=False, label="Repeat it for several."
    )
    reason = filters.ChoiceFilter(choices=ReadingReason.choices)

    class Meta:
        model = DeviceEvent
        fields: list[str] = []

    @classmethod
    def get_filters(cls) -> Any:
        # `from` cannot be written as an attribute.
        found = super().get_filters()
        found["from"] = InstantFilter(field_name="at", lookup_expr="gte", label="Not before.")
        found["to"] = InstantFilter(field_name="at", lookup_expr="lt", label="Before.")
        return found


class TemplateFilterSet(SchoolFilterSet):
    student = UpperCharFilter(field_name="student__enrollment_no", label="Enrollment number.")
    kind = filters.ChoiceFilter(choices=DeviceKind.choices)

    class Meta:
        model = BiometricTemplate
        fields: list[str] = []


class ExportFilterSet(SchoolFilterSet):
    kind = filters.ChoiceFilter(choices=ExportKind.choices)
    state = filters.MultipleChoiceFilter(
        choices=ExportState.choices, distinct=False, label="Repeat it for several."
    )

    class Meta:
        model = ExportJob
        fields: list[str] = []
