"""Pages of Django admin as a browser uses them: their addresses, forms and actions."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from audit.models import AuditEntry


def url(model: Any, page: str, *args: Any) -> str:
    """``url(Room, "change", room.pk)``; pages without a row are ``changelist`` and ``add``."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def form_of(client: Client, model: Any, *args: Any) -> dict[str, Any]:
    """What a browser would send of the form as it is shown."""
    page = client.get(url(model, "change" if args else "add", *args))
    assert page.status_code == 200, page.status_code
    form = page.context["adminform"].form
    shown = {name: form[name].value() for name in form.fields}
    for inline in page.context["inline_admin_formsets"]:
        management = inline.formset.management_form
        shown |= {management.add_prefix(name): management[name].value() for name in management.fields}
    return {name: value for name, value in shown.items() if value is not None and value is not False}


def change(client: Client, obj: Any, **values: Any) -> Any:
    """Send the form of an existing row back with some values changed."""
    return client.post(url(type(obj), "change", obj.pk), form_of(client, type(obj), obj.pk) | values)


def saved(answer: Any) -> bool:
    """The answer leads on; fails with what the form said if not."""
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    return True


def choose(client: Client, model: Any, action: str, *objs: Any, **values: Any) -> Any:
    """Choose an action for rows; the page to which it leads."""
    return client.post(
        url(model, "changelist"),
        {"action": action, "_selected_action": [str(obj.pk) for obj in objs], **values},
        follow=True,
    )


def act(client: Client, model: Any, action: str, *objs: Any, **values: Any) -> list[str]:
    """Choose an action for rows; the messages of the next page."""
    return [str(message) for message in choose(client, model, action, *objs, **values).context["messages"]]


def entry(action: str) -> AuditEntry:
    """The one entry of that action in the trail."""
    return AuditEntry.objects.get(action=action)
