"""Addresses of the attendance pages."""

from __future__ import annotations

from django.urls import path

from attendance.web import figures, home, office, scan, student, teaching

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
    path("configuration/", office.configuration, name="configuration"),
    path("classes/<uuid:pk>/", teaching.roster, name="roster"),
    path("classes/<uuid:pk>/screen/", teaching.screen, name="screen"),
    path("classes/<uuid:pk>/mark/", teaching.mark, name="mark"),
    path("classes/<uuid:pk>/open/", teaching.open_class, name="open"),
    path("classes/<uuid:pk>/close/", teaching.close_class, name="close"),
    path("classes/<uuid:pk>/reopen/", teaching.reopen_class, name="reopen"),
    path("classes/<uuid:pk>/confirm/", teaching.confirm_class, name="confirm"),
]
