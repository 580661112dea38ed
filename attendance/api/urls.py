"""Addresses below /api/v1/attendance/."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from attendance.api.viewsets.anomalies import AnomalyViewSet
from attendance.api.viewsets.condonations import CondonationViewSet
from attendance.api.viewsets.configuration import ConfigurationView
from attendance.api.viewsets.corrections import CorrectionViewSet
from attendance.api.viewsets.devices import DeviceEventView, DeviceViewSet, ReadingViewSet
from attendance.api.viewsets.exports import ExportDataView, ExportJobViewSet
from attendance.api.viewsets.holidays import HolidayViewSet
from attendance.api.viewsets.leaves import LeaveViewSet
from attendance.api.viewsets.records import RecordViewSet
from attendance.api.viewsets.sessions import SessionViewSet
from attendance.api.viewsets.slots import SlotViewSet
from attendance.api.viewsets.statistics import StudentSummaryView
from attendance.api.viewsets.summaries import CourseSummaryView, DepartmentSummaryView, ShortageView
from attendance.api.viewsets.sync_conflicts import ConflictViewSet
from attendance.api.viewsets.templates import TemplateViewSet
from attendance.api.viewsets.trail import AuditLogViewSet

router = SimpleRouter()
# Tried in this order: a class asks for the first two all the time.
router.register("records", RecordViewSet, basename="attendance-record")
router.register("sessions", SessionViewSet, basename="attendance-session")
router.register("holidays", HolidayViewSet, basename="attendance-holiday")
router.register("timetable-slots", SlotViewSet, basename="attendance-slot")
router.register("leave-applications", LeaveViewSet, basename="attendance-leave")
router.register("correction-requests", CorrectionViewSet, basename="attendance-correction")
router.register("condonation-requests", CondonationViewSet, basename="attendance-condonation")
router.register("sync-conflicts", ConflictViewSet, basename="attendance-conflict")
router.register("devices", DeviceViewSet, basename="attendance-device")
router.register("device-readings", ReadingViewSet, basename="attendance-reading")
router.register("biometric-templates", TemplateViewSet, basename="attendance-template")
router.register("anomalies", AnomalyViewSet, basename="attendance-anomaly")
router.register("export/jobs", ExportJobViewSet, basename="attendance-export-job")
router.register("audit-log", AuditLogViewSet, basename="attendance-audit")

urlpatterns = [
    *router.urls,
    path("device-events/", DeviceEventView.as_view(), name="attendance-device-events"),
    path("export/data/", ExportDataView.as_view(), name="attendance-export-data"),
    path("configuration/", ConfigurationView.as_view(), name="attendance-configuration"),
    path("statistics/student-summary/", StudentSummaryView.as_view(), name="attendance-student-summary"),
    path("statistics/course-summary/", CourseSummaryView.as_view(), name="attendance-course-summary"),
    path(
        "statistics/department-summary/",
        DepartmentSummaryView.as_view(),
        name="attendance-department-summary",
    ),
    path("statistics/shortage/", ShortageView.as_view(), name="attendance-shortage"),
]
