"""Components of the pages as template tags: icons, status, bands, attendance bars, fields, dialogs.

Markup lives in `templates/components/`; this module only prepares what a component needs. Tags take plain
values or any object with the documented attributes, so they work for model instances, dataclasses and dicts.
"""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, Select
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import pgettext_lazy

register = template.Library()

# The letter is the same in every language: it is a sign, like the shape beside it.
_STATUSES: dict[str, tuple[str, Any]] = {
    "present": ("P", pgettext_lazy("attendance status", "Present")),
    "late": ("L", pgettext_lazy("attendance status", "Late")),
    "absent": ("A", pgettext_lazy("attendance status", "Absent")),
    "excused": ("E", pgettext_lazy("attendance status", "Excused")),
    "unmarked": ("", pgettext_lazy("attendance status", "Unmarked")),
}
_BANDS: dict[str, Any] = {
    "clear": pgettext_lazy("attendance band", "clear"),
    "condonable": pgettext_lazy("attendance band", "condonable"),
    "shortage": pgettext_lazy("attendance band", "shortage"),
}
_SESSION_STATES: dict[str, tuple[str, Any]] = {
    "scheduled": ("quiet", pgettext_lazy("class state", "scheduled")),
    "open": ("accent", pgettext_lazy("class state", "open now")),
    "closed": ("quiet", pgettext_lazy("class state", "closed")),
    "locked": ("quiet", pgettext_lazy("class state", "locked")),
    "cancelled": ("absent", pgettext_lazy("class state", "cancelled")),
    "unconfirmed": ("late", pgettext_lazy("class state", "to be confirmed")),
    "void": ("absent", pgettext_lazy("class state", "not counted")),
}
_SOURCES: dict[str, Any] = {
    "qr": pgettext_lazy("source of a mark", "scanned"),
    "manual": pgettext_lazy("source of a mark", "by hand"),
    "biometric": pgettext_lazy("source of a mark", "fingerprint or face reader"),
    "rfid": pgettext_lazy("source of a mark", "card reader"),
    "system": pgettext_lazy("source of a mark", "set when the class closed"),
}
_REQUEST_STATES: dict[str, tuple[str, str, Any]] = {
    "pending": ("late", "clock", pgettext_lazy("request state", "waiting")),
    "recommended": ("accent", "approvals", pgettext_lazy("request state", "recommended")),
    "approved": ("present", "check", pgettext_lazy("request state", "approved")),
    "rejected": ("absent", "close", pgettext_lazy("request state", "rejected")),
    "cancelled": ("quiet", "status-unmarked", pgettext_lazy("request state", "cancelled")),
    "revoked": ("absent", "undo", pgettext_lazy("request state", "revoked")),
    "queued": ("late", "clock", pgettext_lazy("request state", "waiting")),
    "running": ("accent", "refresh", pgettext_lazy("request state", "being made")),
    "done": ("present", "check", pgettext_lazy("request state", "ready")),
    "failed": ("absent", "alert", pgettext_lazy("request state", "failed")),
    "expired": ("quiet", "status-unmarked", pgettext_lazy("request state", "deleted")),
}


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """One symbol of `static/img/icons.svg`, hidden from assistive technology: the text beside it speaks."""
    return format_html(
        '<svg class="ch-icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css,
        static("img/icons.svg"),
        name,
    )


@register.inclusion_tag("components/status_badge.html")
def status_badge(status: str | None, words: bool = False, count: int | None = None) -> dict[str, Any]:
    """A record's status as colour, shape and letter (`words`: the word instead; `count`: a number after it).

    An unknown or missing status is shown as unmarked.
    """
    key = status if status in _STATUSES else "unmarked"
    letter, label = _STATUSES[key]
    return {"status": key, "letter": letter, "label": label, "words": words, "count": count}


@register.filter
def status_label(status: str | None) -> str:
    """The word for a status, translated: `present` gives "Present"; nothing gives "Unmarked"."""
    return str(_STATUSES[status if status in _STATUSES else "unmarked"][1])


@register.inclusion_tag("components/band_badge.html")
def band_badge(band: str | None) -> dict[str, Any]:
    """Clear, condonable or shortage as colour, shape and word; nothing while there is no percentage."""
    return {"band": band if band in _BANDS else None, "label": _BANDS.get(band or "")}


@register.inclusion_tag("components/session_badge.html")
def session_badge(status: str) -> dict[str, Any]:
    """The state of a class session in words, with its tone (accent, quiet, late, absent)."""
    tone, label = _SESSION_STATES.get(status, ("quiet", status))
    return {"status": status, "tone": tone, "label": label}


@register.inclusion_tag("components/request_badge.html")
def request_badge(status: str) -> dict[str, Any]:
    """The state of what somebody asked for (leave and the like) as colour, shape and word."""
    tone, shape, label = _REQUEST_STATES.get(status, ("quiet", "info", status))
    return {"status": status, "tone": tone, "shape": shape, "label": label}


@register.filter
def source_label(source: str | None) -> str:
    """How a mark came about, in words; nothing gives the empty string."""
    return str(_SOURCES.get(source or "", ""))


@register.inclusion_tag("components/figures_change.html")
def figures_change(before: Any, after: Any | None = None) -> dict[str, Any]:
    """A student's percentage with its band, and what a decision would make of it; `after` None: nothing is foretold."""
    stays = after is not None and (after.attended, after.counted) == (before.attended, before.counted)
    return {"before": before, "after": None if stays else after, "stays": stays}


@register.filter
def band_label(band: str | None) -> str:
    """The word for a band, translated; nothing gives the empty string."""
    return str(_BANDS[band]) if band in _BANDS else ""


@register.inclusion_tag("components/attendance_bar.html")
def attendance_bar(
    summary: Any, threshold: Decimal | float, title: str = "", url: str = "", detail: str = ""
) -> dict[str, Any]:
    """A percentage with the threshold marked on its bar, and what it asks of the student.

    `summary` has `percentage` (0–100 or None), `attended` and `counted` (classes), `band`, `need` and
    `can_miss` (classes); `threshold` is in per cent.
    """
    return {"summary": summary, "threshold": threshold, "title": title, "url": url, "detail": detail}


@register.inclusion_tag("components/stat.html")
def stat(label: str, value: Any, unit: str = "", hint: str = "", tone: str = "") -> dict[str, Any]:
    """One figure with its label, unit and an explaining line; `tone` is a status name or empty."""
    return {"label": label, "value": value, "unit": unit, "hint": hint, "tone": tone}


@register.inclusion_tag("components/empty_state.html")
def empty_state(
    title: str, text: str = "", icon_name: str = "info", url: str = "", action: str = ""
) -> dict[str, Any]:
    """What a page says where there is nothing yet, and what to do about it."""
    return {"title": title, "text": text, "icon_name": icon_name, "url": url, "action": action}


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, label: str = "", help_text: str = "", unit: str = "") -> dict[str, Any]:
    """A form field with label, help and errors tied to the control by `aria-describedby`.

    `label` and `help_text` replace the form's own; `unit` stands behind the control.
    """
    widget = bound.field.widget
    help_text = str(help_text or bound.help_text)
    described = [f"{bound.auto_id}_error"] if bound.errors else []
    described += [f"{bound.auto_id}_help"] if help_text else []
    checkbox = isinstance(widget, CheckboxInput)
    css = "form-check-input" if checkbox else "form-select" if isinstance(widget, Select) else "form-control"
    attrs: dict[str, Any] = {"class": f"{css} is-invalid" if bound.errors else css}
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if bound.errors:
        attrs["aria-invalid"] = "true"
    return {
        "bound": bound,
        "control": bound.as_widget(attrs=attrs),
        "label": label or bound.label,
        "help_text": help_text,
        "unit": unit,
        "checkbox": checkbox,
        "required": bound.field.required and not checkbox,
    }


@register.simple_block_tag(takes_context=True)
def dialog(context: template.Context, content: str, name: str, title: str, action: str = "") -> str:
    """A native `<dialog id=name>` around the block; `action` makes its body a POST form to that address.

    It opens by `data-opens="name"` on a button and closes by Escape or `data-closes`.
    """
    return render_to_string(
        "components/dialog.html",
        # The form is refused without its token, which the page's context holds.
        {
            "name": name,
            "title": title,
            "content": content,
            "action": action,
            "csrf_token": context.get("csrf_token", ""),
        },
    )


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: template.Context, page: Any) -> dict[str, Any]:
    """Links to the pages around `page` (django.core.paginator.Page), keeping the other query parameters."""
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    return {"page": page, "numbers": numbers, "request": context.get("request")}


@register.filter
def initials(name: str) -> str:
    """The first letters of the first and last word of a name, as written in its script."""
    words = [word for word in str(name).split() if word]
    chosen = words[:1] + words[-1:] if len(words) > 1 else words
    return "".join(_first_cluster(word) for word in chosen)


def _first_cluster(word: str) -> str:
    """The first letter with the vowel signs and conjuncts that belong to it (Indic scripts)."""
    end = 1
    while end < len(word):
        previous, current = word[end - 1], word[end]
        joins = unicodedata.category(current) in ("Mn", "Mc") or unicodedata.combining(previous) == 9
        if not joins:
            break
        end += 1
    return word[:end].upper()
