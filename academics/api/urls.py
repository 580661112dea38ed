"""Addresses below /api/v1/."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from academics.api import viewsets

router = SimpleRouter()
router.register("terms", viewsets.TermViewSet, basename="term")
router.register("departments", viewsets.DepartmentViewSet, basename="department")
router.register("rooms", viewsets.RoomViewSet, basename="room")
# `courses/` is where learning content will live, which is for readers too: one list for both.
router.register("courses", viewsets.CourseViewSet, basename="course")
router.register("cohorts", viewsets.CohortViewSet, basename="cohort")
router.register("faculty", viewsets.FacultyViewSet, basename="faculty")
router.register("students", viewsets.StudentViewSet, basename="student")
router.register("sections", viewsets.SectionViewSet, basename="section")

urlpatterns = router.urls
