"""Addresses of the attendance pages."""

from __future__ import annotations

from django.urls import path

from attendance.web import approvals, exports, figures, home, leaves, office, scan, student, teaching

app_name = "attendance"

urlpatterns = [
    path("", home.home, name="home"),
    path("scan/", scan.scan, name="scan"),
    path("scan/token/", scan.scan_token, name="scan_token"),
    path("scan/redeem/", scan.redeem, name="redeem"),
    path("attendance/", student.history, name="history"),
    path("shortage/", figures.shortage, name="shortage"),
    path("sections/<uuid:pk>/", figures.section, name="section"),
    path("department/", figures.department, name="department"),
    path("exports/", exports.page, name="exports"),
    path("exports/jobs/", exports.jobs, name="export_jobs"),
    path("exports/<uuid:pk>/file/", exports.file, name="export_file"),
    path("exports/<uuid:pk>/cancel/", exports.cancel, name="export_cancel"),
    path("leave/", leaves.own, name="leave"),
    path("leave/apply/", leaves.apply, name="leave_apply"),
    path("leave/classes/", leaves.classes, name="leave_classes"),
    path("leave/<uuid:pk>/change/", leaves.change, name="leave_change"),
    path("leave/<uuid:pk>/cancel/", leaves.cancel, name="leave_cancel"),
    path("leave/<uuid:pk>/file/", leaves.file, name="leave_file"),
    path("approvals/", approvals.approvals, name="approvals"),
    path("approvals/leave/approve/", approvals.approve_chosen, name="leave_approve_chosen"),
    path("approvals/leave/<uuid:pk>/approve/", approvals.approve, name="leave_approve"),
    path("approvals/leave/<uuid:pk>/reject/", approvals.reject, name="leave_reject"),
    path("approvals/leave/<uuid:pk>/revoke/", approvals.revoke, name="leave_revoke"),
    path("configuration/", office.configuration, name="configuration"),
    path("classes/<uuid:pk>/", teaching.roster, name="roster"),
    path("classes/<uuid:pk>/screen/", teaching.screen, name="screen"),
    path("classes/<uuid:pk>/mark/", teaching.mark, name="mark"),
    path("classes/<uuid:pk>/open/", teaching.open_class, name="open"),
    path("classes/<uuid:pk>/close/", teaching.close_class, name="close"),
    path("classes/<uuid:pk>/reopen/", teaching.reopen_class, name="reopen"),
    path("classes/<uuid:pk>/confirm/", teaching.confirm_class, name="confirm"),
]
