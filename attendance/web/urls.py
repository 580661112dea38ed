"""Addresses of the attendance pages."""

from __future__ import annotations

from django.urls import path

from attendance.web import (
    condonations,
    corrections,
    figures,
    home,
    leaves,
    office,
    privacy,
    scan,
    student,
    teaching,
)
from attendance.web.approvals import condonations as condonation_desk
from attendance.web.approvals import corrections as correction_desk
from attendance.web.approvals import leave as leave_desk

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
    path("leave/", leaves.own, name="leave"),
    path("leave/apply/", leaves.apply, name="leave_apply"),
    path("leave/classes/", leaves.classes, name="leave_classes"),
    path("leave/<uuid:pk>/change/", leaves.change, name="leave_change"),
    path("leave/<uuid:pk>/cancel/", leaves.cancel, name="leave_cancel"),
    path("leave/<uuid:pk>/file/", leaves.file, name="leave_file"),
    path("corrections/", corrections.own, name="corrections"),
    path("corrections/ask/<uuid:pk>/", corrections.ask, name="correction_ask"),
    path("corrections/<uuid:pk>/cancel/", corrections.cancel, name="correction_cancel"),
    path("corrections/<uuid:pk>/file/", corrections.file, name="correction_file"),
    path("condonation/", condonations.own, name="condonation"),
    path("condonation/apply/", condonations.apply, name="condonation_apply"),
    path("condonation/<uuid:pk>/cancel/", condonations.cancel, name="condonation_cancel"),
    path("condonation/<uuid:pk>/file/", condonations.file, name="condonation_file"),
    path("privacy/", privacy.own, name="privacy"),
    path("privacy/agree/", privacy.agree, name="consent_agree"),
    path("privacy/withdraw/", privacy.withdraw, name="consent_withdraw"),
    path("approvals/", leave_desk.approvals, name="approvals"),
    path("approvals/leave/approve/", leave_desk.approve_chosen, name="leave_approve_chosen"),
    path("approvals/leave/<uuid:pk>/approve/", leave_desk.approve, name="leave_approve"),
    path("approvals/leave/<uuid:pk>/reject/", leave_desk.reject, name="leave_reject"),
    path("approvals/leave/<uuid:pk>/revoke/", leave_desk.revoke, name="leave_revoke"),
    path("approvals/corrections/", correction_desk.approvals, name="approvals_corrections"),
    path("approvals/corrections/approve/", correction_desk.approve_chosen, name="correction_approve_chosen"),
    path("approvals/corrections/<uuid:pk>/approve/", correction_desk.approve, name="correction_approve"),
    path("approvals/corrections/<uuid:pk>/reject/", correction_desk.reject, name="correction_reject"),
    path("approvals/condonation/", condonation_desk.approvals, name="approvals_condonation"),
    path(
        "approvals/condonation/recommend/",
        condonation_desk.recommend_chosen,
        name="condonation_recommend_chosen",
    ),
    path(
        "approvals/condonation/approve/", condonation_desk.approve_chosen, name="condonation_approve_chosen"
    ),
    path(
        "approvals/condonation/<uuid:pk>/recommend/",
        condonation_desk.recommend,
        name="condonation_recommend",
    ),
    path("approvals/condonation/<uuid:pk>/approve/", condonation_desk.approve, name="condonation_approve"),
    path("approvals/condonation/<uuid:pk>/reject/", condonation_desk.reject, name="condonation_reject"),
    path("configuration/", office.configuration, name="configuration"),
    path("classes/<uuid:pk>/", teaching.roster, name="roster"),
    path("classes/<uuid:pk>/screen/", teaching.screen, name="screen"),
    path("classes/<uuid:pk>/mark/", teaching.mark, name="mark"),
    path("classes/<uuid:pk>/open/", teaching.open_class, name="open"),
    path("classes/<uuid:pk>/close/", teaching.close_class, name="close"),
    path("classes/<uuid:pk>/reopen/", teaching.reopen_class, name="reopen"),
    path("classes/<uuid:pk>/confirm/", teaching.confirm_class, name="confirm"),
]
