"""Django admin with what it may be sent: forms, lists, actions and addresses of every model, never a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import DateField, Field
from django.urls import URLPattern, get_resolver

from accounts.enums import Role
from accounts.models import Consent
from core import clock
from tests.admin.pages import url
from tests.colleges import signed_in
from tests.factories import ProgrammeFactory, StudentFactory, UserFactory
from tests.fuzz.asking import NO_FAULT, Asker
from tests.fuzz.conftest import Campus
from tests.fuzz.values import EMOJI, LONG, RIGHT_TO_LEFT, some

pytestmark = pytest.mark.usefixtures("one_connection", "campus")

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
FORM = "application/x-www-form-urlencoded"
NUL = "a\0b"
ODD = ("", EMOJI, RIGHT_TO_LEFT, "=1+1", "<script>", "{{ 7 }}", "-1", "NaN")
#: In no list of choices, and no number.
STRANGE = ("no-such-choice", NUL, LONG, EMOJI, RIGHT_TO_LEFT, "NaN", "-inf", "1e999", "9" * 400)
NO_DATES = ("x", NUL, LONG, "0000-00-00", "2026-02-30", "0001-01-01", "9999-12-31", "12026-01-01")

#: What a form cannot say by itself: a new row beside those that are there.
GOOD: dict[str, dict[str, str]] = {
    "academics.Term": {"starts_on": "2028-01-10", "ends_on": "2028-05-10"},
    "academics.Enrollment": {"joined_on": "2026-11-02"},
    "academics.Section": {"name": "Elective"},
    "attendance.Holiday": {"date": "2026-12-24"},
    "attendance.TimetableSlot": {
        "weekday": "3",
        "starts": "15:00",
        "ends": "15:50",
        "valid_from": "2026-11-02",
        "valid_until": "2027-03-27",
    },
    "notifications.WebhookEndpoint": {"url": "https://93.184.216.34/erp"},
}
#: Of these nothing is sent where nothing is chosen.
SEVERAL = (forms.ModelMultipleChoiceField, forms.MultipleChoiceField)

#: Models that the office adds and changes by hand.
ADDED = {
    "academics.Cohort",
    "academics.Course",
    "academics.Department",
    "academics.Enrollment",
    "academics.Faculty",
    "academics.Programme",
    "academics.Room",
    "academics.Section",
    "academics.Student",
    "academics.Term",
    "attendance.Holiday",
    "attendance.LegalHold",
    "attendance.TimetableSlot",
    "notifications.WebhookEndpoint",
}
#: A hold is placed and lifted, never changed.
CHANGED = ADDED - {"attendance.LegalHold"} | {
    "accounts.School",
    "accounts.User",
    "attendance.AttendanceConfiguration",
}


class Office(Asker):
    """The office, or an operator of several schools, in Django admin."""

    def __init__(self, campus: Campus, *, operator: bool = False) -> None:
        user = UserFactory(school=None, role=Role.SUPERUSER) if operator else campus.college.admin
        super().__init__(signed_in(user), lambda answer: b"</html>" in answer.content)

    def is_refused(self, answer: Any) -> bool:
        """A form that was taken leads on; one that was not is shown again."""
        return answer.status_code != 302 and answer.wsgi_request.method == "POST"

    def send(self, what: str, address: str, values: Mapping[str, Any]) -> Any:
        return self.ask(what, "POST", address, NO_FAULT, urlencode(values, doseq=True).encode(), FORM)

    def refused(self, what: str, address: str, values: Mapping[str, Any]) -> None:
        answer = self.send(what, address, values)
        if answer.status_code == 302:
            self.problems.append(f"{address}: {what[:100]}: taken")


@pytest.fixture
def office(campus: Campus) -> Office:
    Consent.objects.create(
        user=campus.college.students[0].user, purpose="photo", text_version="1", granted_at=clock.now()
    )
    ProgrammeFactory(school=campus.college.school)
    # A form is filled in with the youngest of each kind: with somebody who is in no section yet.
    StudentFactory(school=campus.college.school)
    return Office(campus)


def form_at(office: Office, model: Any, address: str) -> tuple[forms.ModelForm[Any], dict[str, Any]]:
    """The form of a page of admin, and what it sends when everything in it is right."""
    context = office.client.get(address).context
    form = context["adminform"].form
    sent: dict[str, Any] = {}
    for name, field in form.fields.items():
        if not field.disabled and name not in context["adminform"].readonly_fields:
            value = form[name].value()
            if value in (None, "", []) and field.required:
                value = GOOD.get(model._meta.label, {}).get(name) or fitting(field)
            unsaid = value is False or (value is None and isinstance(field, SEVERAL))
            if not unsaid:
                sent[name] = "" if value is None else ("on" if value is True else value)
    if "_add" in context["request"].resolver_match.url_name:
        sent |= GOOD.get(model._meta.label, {})
    for inline in context["inline_admin_formsets"]:
        rows = inline.formset.initial_form_count()
        sent |= {f"{inline.formset.prefix}-{name}_FORMS": str(rows) for name in ("TOTAL", "INITIAL")}
    return form, sent


def fitting(field: forms.Field) -> Any:
    if isinstance(field, forms.ModelMultipleChoiceField):
        return [str(field.queryset[0].pk)]
    if isinstance(field, forms.ModelChoiceField):
        return str(field.queryset.order_by("pk").last().pk)
    if isinstance(field, forms.ChoiceField):
        return str(next(value for value, _label in field.choices if value))
    if isinstance(field, forms.IntegerField):
        return "1"
    if isinstance(field, forms.EmailField):
        return "text@example.edu"
    return "TEXT"


def unfit(field: forms.Field) -> Iterator[Any]:
    """What this field has to refuse; None leaves it out."""
    if field.required:
        yield from (None, "")
    if isinstance(field, forms.ModelMultipleChoiceField):
        yield from ([value] for value in ("x", "-1", *STRANGE))
    elif isinstance(field, forms.ModelChoiceField):
        yield from ("x", "-1", *STRANGE)
    elif isinstance(field, forms.ChoiceField):
        yield from STRANGE
    elif isinstance(field, forms.IntegerField | forms.FloatField | forms.DecimalField):
        yield from ("x", *STRANGE)
        if field.min_value is not None:
            yield str(field.min_value - 1)
    elif isinstance(field, forms.DateField):
        yield from NO_DATES
    elif isinstance(field, forms.TimeField):
        yield from ("x", "25:00", "-1", "24:00:01", NUL, LONG, EMOJI)
    elif isinstance(field, forms.EmailField):
        yield from ("x", "@", NUL, LONG, EMOJI, RIGHT_TO_LEFT)
    elif isinstance(field, forms.CharField):
        yield NUL
        if field.max_length is not None:
            yield from (LONG, "x" * (field.max_length + 1))


def faults(office: Office, model: Any, address: str) -> None:
    """Faults in every field, one at a time; in a normal run some of each kind, and the sharpest in every field."""
    form, good = form_at(office, model, address)
    for name, field in form.fields.items():
        if name not in good and not isinstance(field, forms.BooleanField):
            continue
        wrong = list(unfit(field))
        sharp = [value for value in wrong if value in (NUL, [NUL], "9999-12-31", "no-such-choice")]
        for value in [
            *sharp,
            *some([value for value in wrong if value not in sharp], 3, of=f"{model._meta.label} {name}"),
        ]:
            rest = {key: item for key, item in good.items() if key != name}
            office.refused(f"{name} is {value!r}", address, rest if value is None else rest | {name: value})
        office.send(
            f"{name} is odd", address, good | {name: some(ODD, 1, of=f"{model._meta.label} {name}")[0]}
        )
    for name in [name for name in good if name.endswith("_FORMS")]:
        for value in some(
            ("", "x", "-1", "1", NUL, "9" * 400, "100000"), 4, of=f"{model._meta.label} {name}"
        ):
            office.send(f"{name} is {value!r}", address, good | {name: value})


def row_of(office: Office, model: Any) -> Any:
    """A row that the office finds in its list."""
    return office.client.get(url(model, "changelist")).context["cl"].queryset[0]


def test_the_office_adds_and_changes_what_is_said_here(office: Office) -> None:
    """A model that gets a form is fuzzed from then on."""
    adds, changes = set(), set()
    for model in MODELS:
        if office.client.get(url(model, "add")).status_code == 200:
            adds.add(model._meta.label)
        listed = office.client.get(url(model, "changelist"))
        rows = listed.context["cl"].queryset if listed.status_code == 200 else []
        if rows and "_save" in office.client.get(url(model, "change", rows[0].pk)).content.decode():
            changes.add(model._meta.label)
    assert (adds, changes) == (ADDED, CHANGED)


@pytest.mark.parametrize("model", [m for m in MODELS if m._meta.label in ADDED], ids=lambda m: m._meta.label)
class TestAdding:
    def test_a_good_form_is_taken(self, office: Office, model: Any) -> None:
        address = url(model, "add")
        answer = office.send("the good form", address, form_at(office, model, address)[1])
        assert answer.status_code == 302, answer.context["errors"]

    def test_every_field_refuses_what_it_cannot_be(self, office: Office, model: Any) -> None:
        faults(office, model, url(model, "add"))
        assert office.problems == []


class TestChanging:
    @pytest.mark.parametrize(
        "model", [m for m in MODELS if m._meta.label in CHANGED], ids=lambda m: m._meta.label
    )
    def test_a_good_form_is_taken(self, office: Office, model: Any) -> None:
        address = url(model, "change", row_of(office, model).pk)
        answer = office.send("the good form", address, form_at(office, model, address)[1])
        assert answer.status_code == 302, answer.context["errors"]

    # The form that adds one is the same: a normal run tries only those that nobody adds.
    @pytest.mark.parametrize(
        "model",
        [
            pytest.param(m, marks=[pytest.mark.deep] if m._meta.label in ADDED else [], id=m._meta.label)
            for m in MODELS
            if m._meta.label in CHANGED
        ],
    )
    def test_every_field_refuses_what_it_cannot_be(self, office: Office, model: Any) -> None:
        faults(office, model, url(model, "change", row_of(office, model).pk))
        assert office.problems == []


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m._meta.label)
def test_no_query_breaks_a_list(office: Office, campus: Campus, model: Any) -> None:
    shown = admin.site._registry[model]
    looked_up = [
        f"{name}{kind}" for name in filtered(shown) for kind in ("", "__exact", "__isnull", "__in", "__gte")
    ]
    general = [
        "q",
        "o",
        "p",
        "e",
        "all",
        "_popup",
        "_to_field",
        "_changelist_filters",
        "_facets",
        "wanted",
        "pk__in",
    ]
    values = (
        "9999",
        "9" * 400,
        "",
        "x",
        "-1",
        "0",
        "1.5",
        "999999",
        "NaN",
        "1e999",
        EMOJI,
        RIGHT_TO_LEFT,
        LONG,
    )
    names = (*general, *looked_up, "school__users__password__startswith")
    queries = list(some([{name: value} for name in names for value in values], 10, of=model._meta.label))
    if shown.date_hierarchy:
        year, month, day = (f"{shown.date_hierarchy}__{part}" for part in ("year", "month", "day"))
        for value in [*values[:2], *some(values[2:], 2, of=model._meta.label)]:
            queries += [{year: value}, {year: "9999", month: value}, {year: "9999", month: "12", day: value}]
        queries.append({year: "9999", month: "12", day: "31"})
    # Only an operator sees every list.
    operator, address = Office(campus, operator=True), url(model, "changelist")
    for query in queries:
        operator.ask(f"{query}", "GET", f"{address}?{urlencode(query)}", NO_FAULT)
    operator.ask("a NUL", "GET", f"{address}?q=a%00b", {400})
    for person, page in ((operator, "changelist"), (office, "add")):
        person.ask("prefilled", "GET", f"{url(model, page)}?{urlencode(prefilled(model))}", NO_FAULT)

    assert (operator.problems, office.problems) == ([], [])


def filtered(shown: admin.ModelAdmin[Any]) -> list[str]:
    return [name for name in shown.list_filter if isinstance(name, str)]


def prefilled(model: Any) -> dict[str, str]:
    """Admin fills a form from its address."""
    fields = [field for field in model._meta.get_fields() if isinstance(field, Field)]
    return {field.name: "0001-01-01" if isinstance(field, DateField) else EMOJI for field in fields}


def routes() -> dict[str, str]:
    """Name and address, with what it asks for in angles, of every page of admin that names something."""
    found = get_resolver().url_patterns
    (patterns,) = (item.url_patterns for item in found if getattr(item, "namespace", "") == "admin")

    def walk(items: Any, before: str) -> Iterator[tuple[str, str]]:
        for item in items:
            text = before + str(item.pattern)
            if not isinstance(item, URLPattern):
                yield from walk(item.url_patterns, text)
            elif "<" in text and item.name:
                yield item.name, text

    return dict(walk(patterns, "/admin/"))


# The library reads an underscore as the start of an escape: _00 is a NUL.
ODD_IDS = (
    "_00",
    "x",
    "0",
    "-1",
    "1.5",
    "NaN",
    "9" * 400,
    "_",
    "%ff",
    "%",
    "0001-01-01",
    "..%2f..",
    "%F0%9F%8E%93",
)


@pytest.mark.parametrize("name", sorted(routes()))
def test_there_is_nothing_at_an_impossible_address(office: Office, name: str) -> None:
    address = routes()[name]
    for value in ("_00", *some(ODD_IDS[1:], 3, of=name)):
        for method in ("GET", "POST"):
            office.ask(value, method, re.sub(r"<[^>]+>", value, address), NO_FAULT, b"post=yes", FORM)
    office.ask("a NUL", "GET", re.sub(r"<[^>]+>", "a%00b", address), {400})

    assert office.problems == []


class Acting(Office):
    """Actions lead back to their list and say there how it went, object by object."""

    def is_refused(self, answer: Any) -> bool:
        return answer.status_code >= 400


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m._meta.label)
def test_no_action_breaks_a_list(office: Office, campus: Campus, model: Any) -> None:
    address = url(model, "changelist")
    listed = office.client.get(address)
    if listed.status_code != 200:
        return
    row = listed.context["cl"].queryset.first()
    acting, pk = Acting(campus), str(row.pk) if row else "1"
    for action in (
        *(admin.site._registry[model].actions or ()),
        "delete_selected",
        "no-such-action",
        "",
        NUL,
        LONG,
    ):
        good = {
            "action": action,
            "select_across": "0",
            "index": "0",
            ACTION_CHECKBOX_NAME: pk,
            "reason": "why",
        }
        values = ("", "x", "-1", NUL, LONG, EMOJI, "9" * 400)
        cases = [(name, value) for name in good if name != "action" for value in values]
        for name, value in some(cases, 3, of=f"{model._meta.label} {action}"):
            acting.send(f"{action[:20]}, {name} is {value!r}", address, good | {name: value})

    assert acting.problems == []


def test_no_query_breaks_the_search_of_a_field(office: Office) -> None:
    office.in_shape = lambda answer: True  # scripts read this, not people
    asked = {"app_label": "academics", "model_name": "section", "field_name": "course", "term": "a"}
    values = ("", "x", "-1", "0", "1e9", EMOJI, LONG, "9" * 400)
    for query in [asked | {name: value} for name in (*asked, "page") for value in values]:
        office.ask(f"{query}", "GET", f"/admin/autocomplete/?{urlencode(query)}", NO_FAULT)

    assert office.problems == []
