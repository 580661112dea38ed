"""Schools and people in Django admin."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest

from accounts import policies
from accounts.admin_base import OfficeAdmin
from accounts.enums import Role
from accounts.models import Consent, RefreshFamily, School, User
from core.admin import PolicyAdmin


@admin.register(School)
class SchoolAdmin(OfficeAdmin):
    list_display = ("name", "code", "timezone", "country", "subdivision", "is_active")
    search_fields = ("name", "code")
    list_filter = ("is_active", "country")
    school_path = ""

    def may_add(self, user: Any) -> bool:
        # A school needs its rules and partitions as well: see the command create_school.
        return False

    def may_change(self, user: Any, obj: Any) -> bool:
        return bool(user.is_office and user.may_reach(obj.pk))

    def may_delete(self, user: Any, obj: Any) -> bool:
        return False

    def school_id_of(self, obj: Any) -> int | None:
        return cast(int, obj.pk)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # The code is part of every imported person's user name.
        return ("code",)


@admin.register(User)
class UserAdmin(OfficeAdmin):
    list_display = ("username", "full_name", "role", "school", "is_active", "last_login")
    list_filter = ("role", "is_active")
    list_select_related = ("school",)
    search_fields = ("username", "full_name", "email")
    fields = (
        "username",
        "full_name",
        "email",
        "phone",
        "role",
        "school",
        "language",
        "is_active",
        "last_login",
    )
    seen_by = ("admin", "superuser")

    def may_add(self, user: Any) -> bool:
        # People come by import, by their Student or Faculty row, or by createsuperuser.
        return False

    def may_change(self, user: Any, obj: Any) -> bool:
        return policies.can_edit_user(user, obj)

    def may_delete(self, user: Any, obj: Any) -> bool:
        # People are deactivated or erased, never deleted: history refers to them.
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = ["username", "school", "last_login"]
        if obj is not None and obj.role in {Role.STUDENT, Role.FACULTY}:
            # On their Student or Faculty row, whose service keeps snapshots and addresses in order.
            fixed += ["full_name", "email", "phone"]
        if obj is not None and not all(
            policies.can_assign_role(cast(User, request.user), obj, role) for role in ("admin", "faculty")
        ):
            fixed.append("role")
        return fixed

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "role":
            user = cast(User, request.user)
            kwargs["choices"] = [
                choice
                for choice in db_field.get_choices(include_blank=False)
                if choice[0] != "superuser" or user.role == "superuser"
            ]
        return super().formfield_for_choice_field(db_field, request, **kwargs)


@admin.register(Consent)
class ConsentAdmin(PolicyAdmin):
    list_display = ("user", "purpose", "text_version", "granted_at", "withdrawn_at")
    list_filter = ("purpose",)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__full_name")
    date_hierarchy = "granted_at"
    school_path = "user__school"
    seen_by = ("admin", "superuser")


@admin.register(RefreshFamily)
class RefreshFamilyAdmin(PolicyAdmin):
    list_display = ("user", "created_at", "rotated_at", "expires_at", "revoked_at", "revoke_reason")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    exclude = ("current_jti", "previous_jti")
    school_path = "user__school"
    seen_by = ("admin", "superuser")
