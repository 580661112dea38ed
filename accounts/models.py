"""Schools, the people who sign in, what they agreed to, and their sign-ins."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.enums import ConsentPurpose, Role
from accounts.querysets import SchoolQuerySet, UserManager
from core.fields import EncryptedTextField
from core.ids import uuid7


def validate_timezone(value: str) -> None:
    """Only names of the IANA database."""
    if value not in available_timezones():
        raise ValidationError(
            _("“%(value)s” is not a time zone such as Asia/Kolkata."), params={"value": value}
        )


class School(models.Model):
    """A college or university: the unit of tenancy. Its dates and wall-clock times are local to it."""

    name = models.CharField(_("name"), max_length=200)
    code = models.CharField(
        _("code"),
        max_length=20,
        validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9_-]*$", _("Letters, digits, hyphens only."))],
    )
    timezone = models.CharField(
        _("time zone"), max_length=64, default="Asia/Kolkata", validators=[validate_timezone]
    )
    country = models.CharField(_("country"), max_length=2, default="IN")
    subdivision = models.CharField(_("subdivision"), max_length=8, blank=True, default="")
    default_language = models.CharField(_("default language"), max_length=8, default="en")
    is_active = models.BooleanField(_("active"), default=True)

    objects = SchoolQuerySet.as_manager()

    class Meta:
        db_table = "accounts_school"
        verbose_name = _("school")
        verbose_name_plural = _("schools")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("code"), name="school_code_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def local(self, instant: datetime) -> datetime:
        """The same instant on the school's wall clock."""
        return instant.astimezone(self.tz)

    def local_date(self, instant: datetime) -> date:
        """The school's calendar date at that instant."""
        return self.local(instant).date()


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in. Imported people are ``<number>@<school code>``."""

    username = models.CharField(
        _("user name"), max_length=150, unique=True, validators=[UnicodeUsernameValidator()]
    )
    full_name = models.CharField(_("full name"), max_length=150, blank=True)
    email = models.EmailField(_("email address"), blank=True)
    phone = EncryptedTextField(_("phone"), max_length=32, null=True, blank=True)
    role = models.CharField(_("role"), max_length=12, choices=Role, default=Role.STUDENT)
    school = models.ForeignKey(
        School,
        verbose_name=_("school"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="users",
    )
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        db_table = "accounts_user"
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["username"]
        constraints = [
            # Kept in lower case, so the plain unique index of the field is case-insensitive.
            models.CheckConstraint(condition=Q(username=Lower(F("username"))), name="username_lower"),
            models.CheckConstraint(
                condition=Q(role=Role.SUPERUSER) | Q(school__isnull=False), name="user_has_a_school"
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="user_role_known"),
        ]
        indexes = [models.Index(fields=["school", "role"], name="user_by_school_role")]

    def __str__(self) -> str:
        return self.full_name or self.username

    def get_full_name(self) -> str:
        return self.full_name or self.username

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] if self.full_name else self.username

    @property
    def is_staff(self) -> bool:
        """May open Django admin, where policies decide what is listed."""
        return self.role in {Role.FACULTY, Role.ADMIN, Role.SUPERUSER}

    @property
    def is_office(self) -> bool:
        """School office, IT, or an operator of several schools."""
        return self.role in {Role.ADMIN, Role.SUPERUSER}

    def may_reach(self, school_id: int | None) -> bool:
        """Whether what belongs to that school exists at all for this person."""
        return self.role == Role.SUPERUSER or (school_id is not None and school_id == self.school_id)


class Consent(models.Model):
    """What somebody agreed to, in which words, and until when."""

    user = models.ForeignKey(User, verbose_name=_("user"), on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(_("purpose"), max_length=16, choices=ConsentPurpose)
    text_version = models.CharField(_("version of the text"), max_length=32)
    granted_at = models.DateTimeField(_("granted at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    class Meta:
        db_table = "accounts_consent"
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "purpose"], condition=Q(withdrawn_at__isnull=True), name="consent_one_active"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.purpose}"


class RefreshFamily(models.Model):
    """One sign-in through the API: the refresh tokens that followed each other from it.

    Only the newest token of a family is good. The one before it answers the same successor for a few seconds
    (two browser tabs); any older one is a stolen token, and ends the family.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_families")
    current_jti = models.UUIDField()
    current_issued_at = models.DateTimeField()
    previous_jti = models.UUIDField(null=True)
    rotated_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoke_reason = models.CharField(max_length=20, blank=True, default="")
    user_agent = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "accounts_refresh_family"
        verbose_name = _("API sign-in")
        verbose_name_plural = _("API sign-ins")
        indexes = [models.Index(fields=["expires_at"], name="refresh_family_age")]

    def __str__(self) -> str:
        return str(self.pk)
