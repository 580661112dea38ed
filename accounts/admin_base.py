"""Admin of a school's reference data: faculty read it, the office keeps it, the audit trail tells of it."""

from __future__ import annotations

from typing import Any, cast

from django.db import models, transaction
from django.http import HttpRequest

from audit.services.entries import operation
from core import clock
from core.admin import PolicyAdmin


class OfficeAdmin(PolicyAdmin):
    """Reference data of a school: faculty read it, the office keeps it. The school is the person's own."""

    def may_add(self, user: Any) -> bool:
        return bool(user.is_office)

    def may_change(self, user: Any, obj: Any) -> bool:
        school_id = self.school_id_of(obj)
        return bool(user.is_office and user.may_reach(school_id))

    may_delete = may_change

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        """People of one school are not asked which."""
        exclude = list(super().get_exclude(request, obj) or [])
        if self.school_path == "school" and cast(Any, request.user).school_id:
            exclude.append("school")
        return exclude

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        user = cast(Any, request.user)
        if self.school_path != "school" or not user.school_id:
            return form

        class InMySchool(form):  # type: ignore[misc, valid-type] # the class is made per request
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                # Before validation, so that constraints that name the school are checked.
                self.instance.school_id = user.school_id

            def _get_validation_exclusions(self) -> set[str]:
                return super()._get_validation_exclusions() - {"school"}

        return InMySchool

    def _changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Whatever saving one form does, through however many services, is one operation of the trail.

        Django calls this inside the form's transaction: a refusal takes entries and changes back together.
        """
        with operation(by=cast(Any, request.user), at=clock.now()):
            return super()._changeform_view(request, *args, **kwargs)  # type: ignore[misc] # its stubs leave it out

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save plain reference data with its entry in the audit trail; models with rules override this."""
        user = cast(Any, request.user)
        before: dict[str, Any] = {}
        after = {name: form.cleaned_data.get(name) for name in form.changed_data}
        if change:
            stored = self.model._default_manager.get(pk=obj.pk)
            before = {name: _stored(stored, name) for name in after}
        with transaction.atomic(), operation(by=user, at=clock.now()) as op:
            obj.save()
            if change and not after:
                return
            op.record(
                f"{obj._meta.model_name}.{'update' if change else 'create'}",
                obj,
                school_id=self.school_id_of(obj),
                before={name: _plain(value) for name, value in before.items()} if change else None,
                after={name: _plain(value) for name, value in after.items()},
            )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic(), operation(by=cast(Any, request.user), at=clock.now()) as op:
            op.record(
                f"{obj._meta.model_name}.delete",
                obj,
                school_id=self.school_id_of(obj),
                before={"label": str(obj)},
            )
            obj.delete()


def _stored(obj: models.Model, name: str) -> Any:
    """The field's value; of a relation to many, which is saved after the object itself, what it leads to."""
    value = getattr(obj, name)
    return value.all() if isinstance(obj._meta.get_field(name), models.ManyToManyField) else value


def _plain(value: Any) -> Any:
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, models.QuerySet):
        return sorted(str(item.pk) for item in value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)
