"""Choices of accounts."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """Stored roles. Head of department and organizer are derived, never stored."""

    STUDENT = "student", _("Student")
    FACULTY = "faculty", _("Faculty")
    ADMIN = "admin", _("Administrator")
    INTEGRATOR = "integrator", _("Integrator")
    SUPERUSER = "superuser", _("Superuser")


class ConsentPurpose(TextChoices):
    BIOMETRIC = "biometric", _("Biometric identification")
    PHOTO = "photo", _("Photographs")
    DIRECTORY = "directory", _("Directory")
    MESSAGING = "messaging", _("Messages")
    LEADERBOARD = "leaderboard", _("Name on the leaderboard")
