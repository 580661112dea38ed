"""Attendance in Django admin: history is read, changes go through the services that know the rules."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from academics.policies import is_office_of
from accounts.enums import Role
from accounts.models import School, User
from attendance import policies
from attendance.enums import Keep
from attendance.models import (
    AnomalyDismissal,
    AttendanceConfiguration,
    AttendanceRecord,
    AttendanceStatistics,
    BiometricDevice,
    BiometricTemplate,
    CondonationRequest,
    CorrectionRequest,
    DeviceEvent,
    ExportJob,
    HeldRecord,
    Holiday,
    LeaveApplication,
    LegalHold,
    RefusedScan,
    Session,
    SlotException,
    SyncBatch,
    SyncConflict,
    SyncEntry,
    TimetableSlot,
    UnknownDevice,
)
from attendance.selectors.sessions import slots_with_details, with_details
from attendance.services import (
    condonations,
    configuration,
    corrections,
    devices,
    exports,
    holds,
    holidays,
    leaves,
    marking,
    sessions,
    sync_conflicts,
    templates,
    timetable,
)
from core import clock
from core.admin import PolicyAdmin, ReasonForm


def _by(request: HttpRequest) -> User:
    return cast(User, request.user)


def _own_school(user: User) -> School:
    """Of somebody who may add: operators of several schools may not, they use the API or a command."""
    return cast(School, user.school)


@admin.register(AttendanceConfiguration)
class ConfigurationAdmin(PolicyAdmin):
    list_display = (
        "school",
        "attendance_threshold_percent",
        "grace_period_minutes",
        "qr_rotation_seconds",
        "version",
    )
    list_select_related = ("school",)
    readonly_fields = ("school",)
    seen_by = ("admin", "superuser")

    def may_change(self, user: Any, obj: Any) -> bool:
        return policies.can_configure(user, obj.school_id)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        configuration.update(
            configuration=obj,
            changes={name: form.cleaned_data[name] for name in form.changed_data},
            by=_by(request),
            now=clock.now(),
        )


@admin.register(Holiday)
class HolidayAdmin(PolicyAdmin):
    list_display = ("date", "name", "kind", "department")
    list_filter = ("kind",)
    list_select_related = ("department",)
    search_fields = ("name",)
    date_hierarchy = "date"
    exclude = ("school",)

    def may_add(self, user: Any) -> bool:
        return bool(user.is_office and user.school_id)

    def may_change(self, user: Any, obj: Any) -> bool:
        return is_office_of(user, obj.school_id)

    may_delete = may_change

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        user = _by(request)
        values = {
            "day": obj.date,
            "name": obj.name,
            "kind": obj.kind,
            "department": obj.department,
            "by": user,
            "now": clock.now(),
        }
        if change:
            saved = holidays.update_holiday(holiday=Holiday.objects.get(pk=obj.pk), **values).holiday
        else:
            saved = holidays.add_holiday(school=_own_school(user), **values).holiday
        obj.pk, obj.school_id = saved.pk, saved.school_id

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        holidays.remove_holiday(holiday=obj, by=_by(request), now=clock.now())


class SkippedDates(admin.TabularInline[SlotException, TimetableSlot]):
    model = SlotException
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(TimetableSlot)
class TimetableSlotAdmin(PolicyAdmin):
    list_display = ("weekday", "starts", "ends", "what", "who", "room", "valid_from", "valid_until")
    list_filter = ("weekday",)
    search_fields = ("sections__course__code", "sections__cohort__code", "faculty__employee_no", "room__code")
    autocomplete_fields = ("sections", "faculty", "room")
    exclude = ("school",)
    inlines = (SkippedDates,)

    def get_queryset(self, request: HttpRequest) -> Any:
        return slots_with_details(super().get_queryset(request))

    @admin.display(description=_("sections"))
    def what(self, obj: TimetableSlot) -> str:
        return ", ".join(str(section) for section in obj.sections.all())

    @admin.display(description=_("faculty"))
    def who(self, obj: TimetableSlot) -> str:
        return ", ".join(str(teacher) for teacher in obj.faculty.all())

    def may_add(self, user: Any) -> bool:
        return bool(user.is_office and user.school_id)

    def may_change(self, user: Any, obj: Any) -> bool:
        return is_office_of(user, obj.school_id)

    may_delete = may_change

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = form.cleaned_data
        slot = TimetableSlot.objects.select_related("school").get(pk=obj.pk) if change else None
        saved = timetable.save_slot(
            school=slot.school if slot is not None else _own_school(_by(request)),
            slot=slot,
            **{
                name: values[name]
                for name in ("room", "weekday", "starts", "ends", "valid_from", "valid_until")
            },
            sections=list(values["sections"]),
            faculty=list(values["faculty"]),
            by=_by(request),
            now=clock.now(),
        )
        obj.pk, obj.school_id = saved.pk, saved.school_id

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The slots alone: the service removes their classes ahead and keeps history, so nothing stands in the way."""
        slots = list(objs)
        return [str(slot) for slot in slots], {self.opts.verbose_name_plural: len(slots)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        timetable.retire_slot(slot=obj, by=_by(request), now=clock.now())


@admin.register(Session)
class SessionAdmin(PolicyAdmin):
    list_display = ("held_on", "start", "what", "who", "room", "status")
    list_filter = ("status",)
    search_fields = ("sections__course__code", "sections__cohort__code", "faculty__employee_no", "room__code")
    date_hierarchy = "held_on"
    action_form = ReasonForm
    actions = (
        "open_classes",
        "close_classes",
        "lock_classes",
        "cancel_classes",
        "void_classes",
        "confirm_held",
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return with_details(super().get_queryset(request))

    @admin.display(description=_("start"), ordering="starts_at")
    def start(self, obj: Session) -> str:
        return f"{obj.school.local(obj.starts_at):%H:%M}"

    @admin.display(description=_("sections"))
    def what(self, obj: Session) -> str:
        return ", ".join(str(section) for section in obj.sections.all())

    @admin.display(description=_("faculty"))
    def who(self, obj: Session) -> str:
        return str(obj.substitute or ", ".join(str(teacher) for teacher in obj.faculty.all()))

    @admin.action(description=pgettext_lazy("action on classes", "Open"))
    def open_classes(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: Session) -> None:
            sessions.open_session(session=obj, by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_run_session)

    @admin.action(description=_("Close"))
    def close_classes(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: Session) -> None:
            sessions.close_session(session=obj, by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_run_session)

    @admin.action(description=_("Say that they were held"))
    def confirm_held(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: Session) -> None:
            sessions.confirm_session(session=obj, held=True, by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_run_session)

    @admin.action(description=_("Lock"))
    def lock_classes(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: Session) -> None:
            sessions.lock_session(session=obj, by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_lock_session)

    @admin.action(description=_("Cancel (needs a reason)"))
    def cancel_classes(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: Session) -> None:
            sessions.cancel_session(session=obj, reason=_reason(request), by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_arrange_session)

    @admin.action(description=_("Void: count for nobody (needs a reason)"))
    def void_classes(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: Session) -> None:
            sessions.void_session(session=obj, reason=_reason(request), by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_void_session)


@admin.register(AttendanceRecord)
class RecordAdmin(PolicyAdmin):
    list_display = ("held_on", "student", "section", "status", "source", "marked_at")
    list_filter = ("status", "source", "offline")
    list_select_related = ("student__user", "section__course", "section__cohort")
    search_fields = ("student__enrollment_no",)
    date_hierarchy = "held_on"
    action_form = ReasonForm
    actions = ("mark_present", "mark_late", "mark_absent", "mark_excused")
    exclude = ("location", "device_key", "metadata")

    def _mark(self, request: HttpRequest, queryset: Any, status: str) -> None:
        def act(record: AttendanceRecord) -> None:
            marking.mark(
                session=record.session,
                student=record.student.enrollment_no,
                status=status,
                reason=_reason(request),
                by=_by(request),
                now=clock.now(),
            )

        self.each(request, queryset, act, policies.can_change_record)

    @admin.action(description=_("Mark present"))
    def mark_present(self, request: HttpRequest, queryset: Any) -> None:
        self._mark(request, queryset, "present")

    @admin.action(description=_("Mark late"))
    def mark_late(self, request: HttpRequest, queryset: Any) -> None:
        self._mark(request, queryset, "late")

    @admin.action(description=_("Mark absent"))
    def mark_absent(self, request: HttpRequest, queryset: Any) -> None:
        self._mark(request, queryset, "absent")

    @admin.action(description=_("Mark excused"))
    def mark_excused(self, request: HttpRequest, queryset: Any) -> None:
        self._mark(request, queryset, "excused")


@admin.register(LeaveApplication)
class LeaveAdmin(PolicyAdmin):
    """Lists and decides; students apply on their own pages, the office for them through the API."""

    list_display = ("student", "kind", "from_date", "to_date", "partial", "status", "reviewer", "applied_at")
    list_filter = ("status", "kind")
    list_select_related = ("student__user", "reviewer")
    search_fields = ("student__enrollment_no",)
    date_hierarchy = "from_date"
    action_form = ReasonForm
    actions = ("approve", "reject", "revoke")

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        """The reason and the file are for whoever may decide; a file is handed out by the API alone."""
        may_read = obj is not None and policies.can_read_leave(_by(request), obj)
        return ("file",) if may_read else ("file", "reason", "file_name", "file_type")

    def _decide(self, request: HttpRequest, queryset: Any, decide: Any) -> None:
        def act(leave: LeaveApplication) -> None:
            decide(leave=leave, remarks=_reason(request), by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_review_leave)

    @admin.action(description=_("Approve"))
    def approve(self, request: HttpRequest, queryset: Any) -> None:
        self._decide(request, queryset, leaves.approve)

    @admin.action(description=_("Reject (needs a reason)"))
    def reject(self, request: HttpRequest, queryset: Any) -> None:
        self._decide(request, queryset, leaves.reject)

    @admin.action(description=_("Revoke (needs a reason)"))
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        self._decide(request, queryset, leaves.revoke)


@admin.register(AttendanceStatistics)
class StatisticsAdmin(PolicyAdmin):
    list_display = ("student", "course", "term", "held", "present", "late", "absent", "excused", "percentage")
    list_filter = ("term",)
    list_select_related = ("student__user", "course", "term")
    search_fields = ("student__enrollment_no", "course__code")


class RequestAdmin(PolicyAdmin):
    """What students ask for: decided by actions, whose reason is what the student reads as remarks."""

    date_hierarchy = "requested_at"
    action_form = ReasonForm
    #: The address where the attached file is to be had.
    file_route = ""

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        """The reason is for those who have a say; the file is handed out by the API alone, as a download."""
        hidden = ["file", "file_name", "file_type"]
        return hidden if obj is None or policies.can_read_request(_by(request), obj) else [*hidden, "reason"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        readable = obj is not None and obj.file and policies.can_read_request(_by(request), obj)
        return ["attached"] if readable else []

    @admin.display(description=_("file"))
    def attached(self, obj: Any) -> str:
        return format_html('<a href="{}">{}</a>', reverse(self.file_route, args=[obj.pk]), obj.file_name)


@admin.register(CorrectionRequest)
class CorrectionAdmin(RequestAdmin):
    list_display = (
        "requested_at",
        "student",
        "session",
        "old_status",
        "requested_status",
        "status",
        "reviewer",
    )
    list_select_related = ("student__user", "session", "reviewer")
    search_fields = ("student__enrollment_no", "student__user__full_name")
    list_filter = ("status",)
    actions = ("approve_corrections", "reject_corrections")
    file_route = "attendance-correction-file"

    @admin.action(description=_("Approve"))
    def approve_corrections(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: CorrectionRequest) -> None:
            corrections.approve(correction=obj, remarks=_reason(request), by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_review_correction)

    @admin.action(description=_("Reject"))
    def reject_corrections(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: CorrectionRequest) -> None:
            corrections.reject(correction=obj, remarks=_reason(request), by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_review_correction)


@admin.register(CondonationRequest)
class CondonationAdmin(RequestAdmin):
    list_display = ("requested_at", "student", "course", "term", "percentage", "status", "reviewer")
    list_filter = ("status", "term")
    list_select_related = ("student__user", "course", "term", "reviewer")
    search_fields = ("student__enrollment_no", "student__user__full_name", "course__code")
    actions = ("recommend_condonations", "approve_condonations", "reject_condonations")
    file_route = "attendance-condonation-file"

    @admin.action(description=_("Recommend"))
    def recommend_condonations(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: CondonationRequest) -> None:
            condonations.recommend(
                condonation=obj, remarks=_reason(request), by=_by(request), now=clock.now()
            )

        self.each(request, queryset, act, policies.can_recommend_condonation)

    @admin.action(description=_("Approve"))
    def approve_condonations(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: CondonationRequest) -> None:
            condonations.approve(condonation=obj, remarks=_reason(request), by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_decide_condonation)

    @admin.action(description=_("Reject"))
    def reject_condonations(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: CondonationRequest) -> None:
            condonations.reject(condonation=obj, remarks=_reason(request), by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_decide_condonation)


@admin.register(BiometricDevice)
class DeviceAdmin(PolicyAdmin):
    """Readers are registered through the API, whose answer alone shows their key."""

    list_display = ("serial", "kind", "name", "room", "last_seen_at", "clock_offset", "is_active")
    list_filter = ("kind", "is_active")
    list_select_related = ("school", "room")
    search_fields = ("serial", "name")
    seen_by = ("admin", "superuser")
    actions = ("set_clocks", "push_users", "switch_off")

    @admin.action(description=_("Set the clock"))
    def set_clocks(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: BiometricDevice) -> None:
            devices.set_clock(device=obj, by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_change_device)

    @admin.action(description=_("Send the numbers of students"))
    def push_users(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: BiometricDevice) -> None:
            devices.push_users(device=obj, by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_change_device)

    @admin.action(description=_("Switch off"))
    def switch_off(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: BiometricDevice) -> None:
            devices.deactivate(device=obj, by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_change_device)


@admin.register(DeviceEvent)
class ReadingAdmin(PolicyAdmin):
    list_display = ("received_at", "device", "pin", "at", "direction", "source", "state", "reason", "student")
    list_filter = ("state", "reason", "source")
    list_select_related = ("device", "student__user")
    search_fields = ("pin", "student__enrollment_no", "device__serial")
    ordering = ("-received_at", "-id")
    seen_by = ("admin", "superuser")


@admin.register(UnknownDevice)
class UnknownDeviceAdmin(PolicyAdmin):
    """They belong to no school until one accepts them, through the API."""

    list_display = ("serial", "address", "count", "first_seen_at", "last_seen_at")
    search_fields = ("serial",)
    ordering = ("-last_seen_at",)
    school_path = ""
    seen_by = ("admin", "superuser")


@admin.register(BiometricTemplate)
class TemplateAdmin(PolicyAdmin):
    """That something is kept, and taking it away; what it is nobody reads here."""

    list_display = ("student", "kind", "position", "enrolled_at")
    list_filter = ("kind",)
    list_select_related = ("student__user",)
    search_fields = ("student__enrollment_no",)
    exclude = ("template",)
    seen_by = ("admin", "superuser")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("template")

    def may_delete(self, user: Any, obj: Any) -> bool:
        return policies.can_change_template(user, obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        templates.remove(template=obj, by=_by(request), now=clock.now())


class OfflineAdmin(PolicyAdmin):
    """What devices without network uploaded: history, which nobody edits."""

    date_hierarchy = "received_at"


@admin.register(SyncBatch)
class SyncBatchAdmin(OfflineAdmin):
    list_display = ("received_at", "by", "device_id", "client_now", "clock_offset", "batch_id")
    list_select_related = ("by",)
    search_fields = ("device_id", "by__username", "by__full_name")


@admin.register(SyncEntry)
class SyncEntryAdmin(OfflineAdmin):
    list_display = (
        "received_at",
        "student",
        "student_no",
        "session",
        "status",
        "captured_at",
        "outcome",
        "code",
    )
    list_filter = ("outcome", "code", "source")
    list_select_related = ("student__user", "session")
    search_fields = ("student__enrollment_no", "student_no")


@admin.register(SyncConflict)
class SyncConflictAdmin(PolicyAdmin):
    """Decided by actions; the reason is needed where the mark of a locked class changes."""

    list_display = ("raised_at", "student", "session", "existing_status", "incoming", "kept", "resolved_by")
    list_filter = ("kept",)
    list_select_related = ("student__user", "session", "entry", "resolved_by")
    search_fields = ("student__enrollment_no", "student__user__full_name")
    date_hierarchy = "raised_at"
    action_form = ReasonForm
    actions = ("keep_existing", "take_incoming")

    @admin.display(description=_("mark made without network"))
    def incoming(self, obj: SyncConflict) -> str:
        return obj.entry.get_status_display()

    @admin.action(description=_("Keep the mark that stands"))
    def keep_existing(self, request: HttpRequest, queryset: Any) -> None:
        self._decide(request, queryset, Keep.EXISTING)

    @admin.action(description=_("Take the mark made without network"))
    def take_incoming(self, request: HttpRequest, queryset: Any) -> None:
        self._decide(request, queryset, Keep.INCOMING)

    def _decide(self, request: HttpRequest, queryset: Any, keep: Keep) -> None:
        def act(obj: SyncConflict) -> None:
            sync_conflicts.resolve(
                conflict=obj, keep=keep, reason=_reason(request), by=_by(request), now=clock.now()
            )

        self.each(request, queryset, act, policies.can_resolve_conflict)


@admin.register(LegalHold)
class LegalHoldAdmin(PolicyAdmin):
    """Placed by its form and lifted by an action; nobody edits one, so that the trail tells all of it."""

    list_display = ("placed_at", "school", "student", "reason", "from_date", "until_date", "lifted_at")
    list_select_related = ("school", "student__user")
    search_fields = ("student__enrollment_no", "reason")
    autocomplete_fields = ("student",)
    action_form = ReasonForm
    actions = ("lift_holds",)
    seen_by = ("admin", "superuser")

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("school",) if obj is None else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("placed_by", "placed_at", "lifted_by", "lifted_at")

    def may_add(self, user: Any) -> bool:
        return bool(user.school_id) and policies.can_place_hold(user, user.school_id)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        placed = holds.place(
            school=_own_school(_by(request)),
            student=obj.student,
            reason=obj.reason,
            from_date=obj.from_date,
            until_date=obj.until_date,
            by=_by(request),
            now=clock.now(),
        )
        obj.pk, obj.school_id = placed.pk, placed.school_id

    @admin.action(description=_("Lift (needs a reason)"))
    def lift_holds(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: LegalHold) -> None:
            holds.lift(hold=obj, reason=_reason(request), by=_by(request), now=clock.now())

        self.each(request, queryset, act, lambda user, obj: policies.can_place_hold(user, obj.school_id))


@admin.register(RefusedScan)
class RefusedScanAdmin(PolicyAdmin):
    """Traces of scans: they are looked into on the page of anomalies."""

    list_display = ("at", "code", "student", "session")
    list_filter = ("code",)
    list_select_related = ("student__user", "session")
    search_fields = ("student__enrollment_no",)
    exclude = ("location", "device_key")
    seen_by = ("admin", "superuser")


@admin.register(AnomalyDismissal)
class DismissalAdmin(PolicyAdmin):
    """Made and taken back on the page of anomalies."""

    list_display = ("dismissed_at", "kind", "session", "remark", "dismissed_by", "undone_by", "undone_at")
    list_filter = ("kind",)
    list_select_related = ("session", "dismissed_by", "undone_by")
    search_fields = ("remark", "dismissed_by__full_name")
    seen_by = ("admin", "superuser")


@admin.register(HeldRecord)
class HeldRecordAdmin(PolicyAdmin):
    list_display = ("held_on", "student", "section", "status", "source", "marked_at", "run")
    list_filter = ("status", "source")
    list_select_related = ("student__user", "section__course", "section__cohort", "run")
    search_fields = ("student__enrollment_no",)
    date_hierarchy = "held_on"
    exclude = ("location", "device_key", "metadata")
    seen_by = ("admin", "superuser")


@admin.register(ExportJob)
class ExportJobAdmin(PolicyAdmin):
    """Who takes out what: seen by the office; the files are their owners' alone."""

    list_display = (
        "requested_at", "requested_by", "kind", "format", "state", "rows_done", "rows_total", "expires_at",
        "error_code",
    )  # fmt: skip
    list_filter = ("state", "kind", "format")
    list_select_related = ("requested_by",)
    search_fields = ("requested_by__username", "requested_by__full_name")
    date_hierarchy = "requested_at"
    exclude = ("file", "reach")
    actions = ("cancel_exports",)
    seen_by = ("admin", "superuser")

    def get_queryset(self, request: HttpRequest) -> Any:
        # Beside one's own, which is all that `visible_to` shows, the office sees those of the school.
        user = _by(request)
        found = ExportJob.objects.all()
        return found if user.role == Role.SUPERUSER else found.filter(school_id=user.school_id)

    @admin.action(description=_("Cancel"))
    def cancel_exports(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: ExportJob) -> None:
            exports.cancel(job=obj, by=_by(request), now=clock.now())

        self.each(request, queryset, act, policies.can_cancel_export)


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "")[:500]
