"""Every form and address of the pages with what they may be sent: refused on a page, nothing saved, never a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.enums import Role
from attendance import codes
from attendance.enums import SessionStatus
from attendance.models import AttendanceConfiguration
from attendance.models.configuration import RANGES
from core import clock
from tests.colleges import signed_in
from tests.factories import UserFactory
from tests.fuzz.asking import NO_FAULT, Asker, is_page
from tests.fuzz.conftest import Campus
from tests.fuzz.values import EMOJI, LONG, RIGHT_TO_LEFT, some

pytestmark = pytest.mark.usefixtures("one_connection", "campus")

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
NUL = "a\0b"
#: Refused wherever a number is asked for.
NO_NUMBERS = ("", "x", NUL, LONG, EMOJI, RIGHT_TO_LEFT, "NaN", "-inf", "1e999", "-1", "9" * 400)
#: Refused wherever one of several words is.
NO_CHOICES = ("no-such-choice", NUL, LONG, EMOJI, RIGHT_TO_LEFT, "-1")
#: May be right in a text of one's own, and must never break anything.
ODD = ("", EMOJI, RIGHT_TO_LEFT, "=1+1", "<script>", "{{ 7 }}", "%s %(x)s {0}", "-1", "1e999", "NaN")

#: Lead nowhere but home, or to a page that is not there.
NO_TARGETS = (*ODD, NUL, LONG, "foo", "//evil.example", "javascript:1", "/\r\nX: y")

Fields = Callable[[Campus], Mapping[str, str]]


@dataclass(frozen=True)
class Form:
    """One form: who sends it, of a class in which state, with what in it.

    `wrong` holds what each field must refuse (None leaves it out), `odd` what it may take or refuse.
    """

    who: str
    good: Fields = lambda campus: {}
    wrong: dict[str, tuple[str | None, ...]] = field(default_factory=dict)
    odd: dict[str, tuple[str, ...]] = field(default_factory=dict)
    state: SessionStatus = SessionStatus.OPEN
    #: Of the good form: pages that lead on answer with a redirect, what is shown once with the page itself.
    answer: int = 302
    #: What has to happen first.
    before: Callable[[Campus], None] = lambda campus: None


def rules(campus: Campus) -> dict[str, str]:
    """The configuration as its page sends it: a tick that is not set is not sent."""
    row = AttendanceConfiguration.objects.get(school=campus.college.school)
    names = [item.name for item in row._meta.fields if item.name not in {"id", "school", "updated_at"}]
    values = {name: getattr(row, name) for name in names}
    return {
        name: "on" if value is True else str(value) for name, value in values.items() if value is not False
    }


def somewhere(campus: Campus) -> dict[str, str]:
    return {"latitude": "17.4", "longitude": "78.5", "accuracy": "12"}


LATITUDES = tuple(value for value in NO_NUMBERS if value and value != "-1")
REASONS = (None, "", " ", NUL, LONG, "x" * 501)


def an_application(campus: Campus) -> dict[str, str]:
    return {"kind": "casual", "from_date": "2026-11-10", "to_date": "2026-11-11", "reason": "a wedding"}


def a_reader(campus: Campus) -> dict[str, str]:
    return {"name": "Gate", "kind": "face", "allowed_networks": "10.0.0.0/8", "clock_offset": "0"}


def remarks(campus: Campus) -> dict[str, str]:
    return {"remarks": "the note was forged"}


NO_DAYS = (
    "x",
    NUL,
    LONG,
    EMOJI,
    RIGHT_TO_LEFT,
    "-1",
    "0001-01-01",
    "9999-12-31",
    "2026-02-30",
    "12026-01-01",
)
ODD_APPLICATIONS: dict[str, tuple[str | None, ...]] = {
    "kind": (None, "", *NO_CHOICES),
    "from_date": (None, "", *NO_DAYS),
    "to_date": (*NO_DAYS, "2026-11-09"),
    "sessions": NO_CHOICES,
    "reason": (None, "", " ", NUL, LONG),
}
WRONG_READERS: dict[str, tuple[str | None, ...]] = {
    "kind": (None, "", *NO_CHOICES),
    "name": (NUL, LONG, "x" * 101),
    "room": ("x", "-1", NUL, LONG, EMOJI, "9" * 400),
    "allowed_networks": ("x", NUL, EMOJI, RIGHT_TO_LEFT, "10.0.0.1/8", "10.0.0.0/33", "-1"),
    "clock_offset": ("x", NUL, LONG, EMOJI, RIGHT_TO_LEFT, "NaN", "1.5", "86401", "-86401", "9" * 400),
}
ODD_REASONS: dict[str, tuple[str, ...]] = {"reason": ODD}


def word(campus: Campus) -> dict[str, str]:
    return {"remarks": "seen in the register"}


def a_correction(campus: Campus) -> dict[str, str]:
    return {"requested_status": "late", "reason": "the bus came late"}


def a_condonation(campus: Campus) -> dict[str, str]:
    return {"course": str(campus.college.section.course_id), "reason": "dengue", "fee_reference": "SBI-1"}


#: May be left out, but not be too long.
NO_WORDS = (NUL, LONG, "x" * 501)

FORMS: dict[str, Form] = {
    "accounts:login": Form(
        "anon",
        lambda campus: {key: campus.real[key] for key in ("username", "password", "school")},
        wrong={
            "username": (None, *ODD, NUL, LONG, "x" * 151),
            "password": (None, *ODD, NUL, LONG, "x" * 1001),
            "school": (NUL, LONG, "x" * 21),
        },
        odd={"school": ODD, "next": NO_TARGETS},
    ),
    "accounts:logout": Form("student"),
    "accounts:language": Form(
        "student",
        lambda campus: {"language": "te", "next": "/scan/"},
        wrong={"language": (None, "", "EN", *NO_CHOICES)},
        odd={"next": NO_TARGETS},
    ),
    "attendance:redeem": Form(
        "student",
        somewhere,
        wrong={
            "latitude": (*LATITUDES, "91", "-90.1"),
            "longitude": (*LATITUDES, "181", "-180.1"),
            "accuracy": (*LATITUDES, "-1"),
        },
    ),
    "attendance:scan_token": Form(
        "student",
        lambda campus: {"token": campus.real["token"]},
        wrong={"token": (None, "", NUL, LONG, "x" * 129, EMOJI, RIGHT_TO_LEFT, "../x", "=1+1", "a b")},
        odd={"token": ("x", "-1", "NaN")},
    ),
    "attendance:configuration": Form(
        "admin",
        rules,
        wrong={
            **{name: (None, *NO_NUMBERS, str(high + 1), "1.001") for name, (_low, high) in RANGES.items()},
            "excused_counts_as": (None, "", *NO_CHOICES),
            "version": (None, *NO_NUMBERS, "2"),
        },
        odd={"gps_verification": (*ODD, NUL, LONG)},
    ),
    "attendance:mark": Form(
        "teacher",
        lambda campus: {"mark": f"{campus.college.number(1)}:late", "reason": "late bus"},
        wrong={
            "mark": (None, "", ":", "::", "x", ":late", *NO_CHOICES, f"{LONG}:late", f"{NUL}:late", f"{EMOJI}:late"),
            "reason": REASONS,
        },
        state=SessionStatus.CLOSED,
    ),
    "attendance:open": Form("teacher", state=SessionStatus.SCHEDULED),
    "attendance:close": Form("teacher"),
    "attendance:reopen": Form(
        "teacher",
        lambda campus: {"reason": "projector failed"},
        wrong={"reason": REASONS},
        odd={"reason": ODD},
        state=SessionStatus.CLOSED,
    ),
    "attendance:confirm": Form(
        "teacher",
        lambda campus: {"held": "true"},
        wrong={"held": (None, "", "True", "1", *NO_CHOICES)},
        state=SessionStatus.UNCONFIRMED,
    ),
    "attendance:leave_apply": Form("student", an_application, wrong=ODD_APPLICATIONS, odd=ODD_REASONS),
    "attendance:leave_change": Form("student", an_application, wrong=ODD_APPLICATIONS, odd=ODD_REASONS),
    "attendance:leave_cancel": Form("student"),
    "attendance:leave_approve": Form("admin"),
    "attendance:leave_reject": Form("admin", remarks, wrong={"remarks": REASONS}, odd={"remarks": ODD}),
    "attendance:leave_revoke": Form(
        "admin", remarks, wrong={"remarks": REASONS}, odd={"remarks": ODD}, before=Campus.approve_leave
    ),
    "attendance:anomaly_dismiss": Form(
        "teacher",
        lambda campus: {"kind": "outside", "subject": str(campus.college.session.pk), "remark": "a sports day"},
        wrong={
            "kind": (None, "", "edge", *NO_CHOICES),
            "subject": (None, "", *NO_CHOICES, "x" * 121),
            "remark": (NUL, LONG, "x" * 501),
        },
        odd={"remark": ODD},
    ),
    "attendance:anomaly_undo": Form("teacher"),
    "attendance:device_register": Form(
        "admin",
        lambda campus: {**a_reader(campus), "serial": "NEW-1"},
        wrong={
            **WRONG_READERS,
            "serial": (None, "", EMOJI, RIGHT_TO_LEFT, "=1+1", "<script>", "-1", NUL, LONG, "READER-1", "a b"),
        },
        odd={"name": ODD},
        answer=200,
    ),
    "attendance:device": Form(
        "admin",
        lambda campus: a_reader(campus),
        wrong=WRONG_READERS,
        odd={"name": ODD},
    ),
    "attendance:device_rotate": Form("admin", answer=200),
    "attendance:device_switch": Form(
        "admin", lambda campus: {"on": "false"}, wrong={"on": (None, "", "True", "1", *NO_CHOICES)}
    ),
    "attendance:device_clock": Form("admin"),
    "attendance:device_push": Form("admin"),
    "attendance:device_pin": Form(
        "admin",
        lambda campus: {"pin": "7", "student": campus.college.number(0)},
        wrong={
            "pin": (None, "", NUL, LONG, EMOJI, RIGHT_TO_LEFT, "a b", "x" * 25, "-1"),
            "student": ("x", NUL, LONG, EMOJI, RIGHT_TO_LEFT, "-1", "=1+1"),
        },
    ),
    "attendance:device_rematch": Form("admin", wrong={"device": ("x", "1", "-1", NUL, LONG, EMOJI)}),
    "attendance:hold_place": Form(
        "admin",
        lambda campus: {"student": campus.college.number(0), "reason": "Case 12/2026", "until_date": "2026-12-31"},
        wrong={
            "student": ("x", NUL, LONG, EMOJI, RIGHT_TO_LEFT, "-1"),
            "from_date": (*NO_DAYS, "2027-01-01"),
            "until_date": NO_DAYS,
            "reason": (None, "", " ", NUL, LONG, "x" * 501),
        },
        odd={"reason": ODD},
    ),
    "attendance:hold_lift": Form(
        "admin",
        lambda campus: {"reason": "settled"},
        wrong={"reason": (None, "", " ", NUL, LONG, "x" * 501)},
        odd={"reason": ODD},
    ),
    "attendance:substitute": Form(
        "admin",
        lambda campus: {"faculty": campus.spare},
        wrong={"faculty": ("x", NUL, LONG, EMOJI, RIGHT_TO_LEFT, "-1")},
    ),
    "notifications:read_all": Form("student"),
    "notifications:preferences": Form(
        "student",
        lambda campus: {"absence.email": "off", "absence.in_app": "now"},
        wrong={"absence.email": ("", *NO_CHOICES), "absence.in_app": ("", "digest", *NO_CHOICES)},
    ),
    "attendance:exports": Form(
        "admin",
        lambda campus: {"section": str(campus.college.section.pk), "month": "2026-11", "format": "csv"},
        wrong={
            "section": (None, "", *NO_CHOICES),
            "month": (None, "", *NO_CHOICES, "2026-13", "1926-11"),
            "format": (None, "", *NO_CHOICES),
        },
        answer=200,
    ),
    "attendance:export_cancel": Form("admin"),
    "attendance:leave_approve_chosen": Form(
        "admin",
        lambda campus: {"leaves": campus.ids["leave-applications"]},
        wrong={"leaves": (None, "", *NO_CHOICES)},
    ),
    "attendance:correction_ask": Form(
        "student",
        a_correction,
        wrong={
            "requested_status": (None, "", "present", *NO_CHOICES),
            "reason": (None, "", " ", NUL, LONG, "x" * 1001),
        },
        odd=ODD_REASONS,
    ),
    "attendance:correction_cancel": Form("student"),
    "attendance:correction_approve": Form("admin", word, wrong={"remarks": ("", " ", *NO_WORDS)}, odd={"remarks": ODD}),
    "attendance:correction_reject": Form("admin", word, wrong={"remarks": NO_WORDS}, odd={"remarks": ODD}),
    "attendance:correction_approve_chosen": Form(
        "admin",
        lambda campus: {"corrections": campus.ids["correction-requests"], "remarks": "seen"},
        wrong={"corrections": (None, "", *NO_CHOICES), "remarks": NO_WORDS},
    ),
    "attendance:condonation_apply": Form(
        "student",
        a_condonation,
        wrong={
            "course": (None, "", "0", *NO_NUMBERS, "9999999"),
            "reason": (None, "", " ", NUL, LONG, "x" * 1001),
            "fee_reference": (NUL, LONG, "x" * 61),
        },
        odd={**ODD_REASONS, "fee_reference": ODD},
    ),
    "attendance:condonation_cancel": Form("student"),
    "attendance:condonation_recommend": Form(
        "head", word, wrong={"remarks": NO_WORDS}, odd={"remarks": ODD}, before=Campus.not_recommended
    ),
    "attendance:condonation_approve": Form("admin", word, wrong={"remarks": NO_WORDS}, odd={"remarks": ODD}),
    "attendance:condonation_reject": Form("admin", word, wrong={"remarks": NO_WORDS}, odd={"remarks": ODD}),
    "attendance:condonation_recommend_chosen": Form(
        "head",
        lambda campus: {"condonations": campus.ids["condonation-requests"], "remarks": "seen"},
        wrong={"condonations": (None, "", *NO_CHOICES), "remarks": NO_WORDS},
        before=Campus.not_recommended,
    ),
    "attendance:condonation_approve_chosen": Form(
        "admin",
        lambda campus: {"condonations": campus.ids["condonation-requests"], "remarks": "seen"},
        wrong={"condonations": (None, "", *NO_CHOICES), "remarks": NO_WORDS},
    ),
    "attendance:consent_agree": Form(
        "student",
        lambda campus: {"purpose": "photo", "version": "1"},
        wrong={"purpose": (None, "", *NO_CHOICES), "version": (None, "", "2", NUL, LONG, "x" * 33)},
        odd={"version": ODD},
    ),
    "attendance:consent_withdraw": Form(
        "student", lambda campus: {"purpose": "photo"}, wrong={"purpose": (None, "", *NO_CHOICES)}
    ),
    "attendance:conflict_resolve": Form(
        "teacher",
        lambda campus: {"keep": "incoming"},
        wrong={"keep": (None, "", *NO_CHOICES), "version": ("x", NUL, LONG), "reason": (NUL, LONG)},
        odd={"version": ODD, "reason": ODD},
    ),
    "attendance:conflicts_resolve_chosen": Form(
        "teacher",
        lambda campus: {"keep": "existing", "conflicts": f"{campus.ids['sync-conflicts']} "},
        wrong={"keep": (None, "", *NO_CHOICES), "conflicts": (None, "", *NO_CHOICES)},
    ),
}  # fmt: skip

#: Pages that are only read.
ONLY_READ = {"accounts:more", "accounts:manifest"} | {
    f"attendance:{name}"
    for name in (
        "home", "scan", "history", "roster", "screen", "shortage", "section", "department", "leave", "leave_classes",
        "anomalies", "devices", "device_readings", "audit", "retention",
        "leave_file", "approvals", "approvals_corrections", "approvals_condonation", "corrections", "correction_file",
        "condonation", "condonation_file", "privacy", "conflicts",
        "export_jobs", "export_file",
    )
} | {"notifications:notices", "notifications:open"}  # fmt: skip

#: Takes a file and nothing else: tests/attendance/web/test_devices.py sends it what is none.
WITH_FILE = {"attendance:device_pins"}

#: Whoever may find something at an address, and strangers.
READERS = ("anon", "student", "teacher", "admin", "operator")

#: As they stand in an address.
IMPOSSIBLE = (
    "x",
    "1",
    "-1",
    "NaN",
    "%ff",
    "%",
    "..%2f..",
    quote(EMOJI),
    quote(RIGHT_TO_LEFT),
    LONG,
    "9" * 400,
)


def routes() -> Iterator[tuple[str, str]]:
    """(name, pattern) of every page outside the API and Django admin; what readers call is no page."""

    def walk(patterns: Any, namespace: str) -> Iterator[tuple[str, str]]:
        for item in patterns:
            if hasattr(item, "url_patterns"):
                inside = ":".join(part for part in (namespace, item.namespace) if part)
                machines = item.namespace in {"admin", "iclock", "iclock_by_key"}
                if not machines and not str(item.pattern).startswith("api/"):
                    yield from walk(item.url_patterns, inside)
            elif not str(item.pattern).startswith("api/"):
                yield ":".join(part for part in (namespace, item.name) if part), str(item.pattern)

    yield from walk(get_resolver().url_patterns, "")


ROUTES = dict(routes())
WITH_IDS = sorted(name for name, pattern in ROUTES.items() if "<" in pattern)


def address_of(name: str, campus: Campus) -> str:
    kinds = {
        ":leave_": "leave-applications",
        ":correction_": "correction-requests",
        ":condonation_": "condonation-requests",
        ":device": "devices",
        ":anomaly_": "dismissals",
        ":hold_": "holds",
        ":conflict_": "sync-conflicts",
        ":export_": "export/jobs",
        "notifications:open": "notifications",
    }
    # A correction is asked for of a class.
    named = next(
        (campus.ids[kind] for part, kind in kinds.items() if part in name and "_ask" not in name), None
    )
    ident = named or str(campus.college.session.pk)
    values = {"uuid": ident, "str": campus.real["token"]}
    kind = next((kind for kind in values if f"<{kind}:" in ROUTES[name]), None)
    return reverse(name, args=[values[kind]] if kind else [])


def browser_of(campus: Campus, who: str) -> Client:
    if who == "anon":
        return Client()
    client = signed_in(
        UserFactory(school=None, role=Role.SUPERUSER) if who == "operator" else campus.college.user(who)
    )
    if who == "student":
        # A phone that has just read the code on the wall.
        device = codes.new_device()
        code = codes.decode(campus.real["token"])
        client.cookies[codes.DEVICE_COOKIE] = codes.sign_device(device)
        client.cookies[codes.TICKET_COOKIE] = codes.issue_ticket(code, device=device, now=clock.now())
    return client


def page_or_405(answer: Any) -> bool:
    """The framework's own answer to a wrong method has no words."""
    return answer.status_code == 405 or is_page(answer)


class Visitor(Asker):
    """Sends one form as whoever it is for."""

    def __init__(self, campus: Campus, name: str) -> None:
        self.name, self.form = name, FORMS[name]
        super().__init__(browser_of(campus, self.form.who), is_page)
        campus.move_class(self.form.state)
        self.form.before(campus)
        self.address, self.good = address_of(name, campus), dict(self.form.good(campus))

    def send(self, what: str, values: Mapping[str, str]) -> Any:
        return self.ask(what, "POST", self.address, NO_FAULT, urlencode(values).encode(), URLENCODED)

    def refused(self, what: str, values: Mapping[str, str]) -> None:
        answer = self.send(what, values)
        if answer.status_code < 500 and not self.is_refused(answer):
            self.problems.append(f"{self.address}: {what[:100]}: {answer.status_code}, which is no refusal")


@pytest.fixture(params=FORMS)
def visitor(request: pytest.FixtureRequest, campus: Campus) -> Visitor:
    return Visitor(campus, request.param)


def test_the_good_form_is_taken(visitor: Visitor) -> None:
    """What the other tests put their faults into: otherwise any refusal would do."""
    answer = visitor.send("the good form", visitor.good)

    assert visitor.problems == []
    assert answer.status_code == visitor.form.answer
    assert not visitor.is_refused(answer)


def test_every_field_refuses_what_it_cannot_be(visitor: Visitor) -> None:
    for name, values in visitor.form.wrong.items():
        for value in some(values, 4, of=f"{visitor.name} {name}"):
            sent = {key: item for key, item in visitor.good.items() if key != name}
            visitor.refused(f"{name} is {value!r}", sent if value is None else sent | {name: value})
    for name, values in visitor.form.odd.items():
        for value in some(values, 3, of=f"{visitor.name} {name}"):
            visitor.send(f"{name} is {value!r}", visitor.good | {name: value})

    assert visitor.problems == []


def test_no_body_as_a_whole_breaks_it(visitor: Visitor) -> None:
    name = next(iter(visitor.good), "a")
    for what, body, content_type in (
        ("invalid UTF-8", f"{name}=%ff%fe".encode(), URLENCODED),
        ("raw bytes", name.encode() + b"=\xff\xfe\x00", URLENCODED),
        ("half of an escape", f"{name}=%".encode(), URLENCODED),
        ("a field twice", f"{name}=1&{name}=2".encode(), URLENCODED),
        ("fields without names", b"=1&&=2", URLENCODED),
        ("another encoding", "a=1".encode("utf-16"), f"{URLENCODED}; charset=utf-16"),
        ("an unknown encoding", b"a=1", f"{URLENCODED}; charset=no-such"),
        ("deep JSON", b"[" * 50_000, "application/json"),
        ("nothing that is a type", b"x", "nonsense"),
        ("half of a part", b"--x\r\nContent-Disposition: form-data; na", f"{MULTIPART}; boundary=x"),
        ("no boundary", b"--x\r\n", MULTIPART),
        ("a part in broken base64", PART_IN_BASE64, f"{MULTIPART}; boundary=x"),
        ("a part named with a NUL", PART_WITH_NUL, f"{MULTIPART}; boundary=x"),
    ):
        visitor.ask(what, "POST", visitor.address, NO_FAULT, body, content_type)
    for what, body, content_type, status in (
        ("10 MB", name.encode() + b"=" + b"x" * 10_000_000, URLENCODED, 413),
        ("2,000 fields", urlencode([(f"f{n}", "1") for n in range(2000)]).encode(), URLENCODED, 400),
        (
            "2,000 parts",
            b"".join(A_PART % n for n in range(2000)) + b"--x--",
            f"{MULTIPART}; boundary=x",
            400,
        ),
    ):
        if visitor.good or status == 413:
            visitor.ask(what, "POST", visitor.address, {status}, body, content_type)
        else:
            visitor.ask(what, "POST", visitor.address, NO_FAULT, body, content_type)

    assert visitor.problems == []


A_PART = b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n'
PART_IN_BASE64 = (
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n=x=\r\n--x--\r\n"
)
PART_WITH_NUL = b'--x\r\nContent-Disposition: form-data; name="a\x00b"; filename="\x00"\r\n\r\n1\r\n--x--\r\n'


@pytest.mark.parametrize("name", FORMS)
def test_a_form_from_elsewhere_is_refused_whatever_is_in_it(name: str, campus: Campus) -> None:
    """Here the check of the token reads the body, before any page of ours does."""
    client = Client(enforce_csrf_checks=True)
    client.cookies = browser_of(campus, FORMS[name].who).cookies
    asker = Asker(client, is_page)
    for what, body, content_type in (
        ("no token", b"a=1", URLENCODED),
        ("a token that is none", b"csrfmiddlewaretoken=%ff%00" + EMOJI.encode(), URLENCODED),
        ("an endless token", b"csrfmiddlewaretoken=" + LONG.encode(), URLENCODED),
        ("half of a part", b"--x\r\nContent-Disposition: form-data; na", f"{MULTIPART}; boundary=x"),
        ("no boundary", b"--x\r\n", MULTIPART),
        ("2,000 fields", urlencode([(f"f{n}", "1") for n in range(2000)]).encode(), URLENCODED),
    ):
        asker.ask(what, "POST", address_of(name, campus), {400, 403}, body, content_type)

    assert asker.problems == []


def test_pages_without_a_form_take_nothing(campus: Campus) -> None:
    for who in READERS:
        asker = Asker(browser_of(campus, who), lambda answer: True)
        for name in ROUTES.keys() - FORMS.keys() - WITH_FILE:
            answer = asker.ask(name, "POST", address_of(name, campus), NO_FAULT, b"a=1", URLENCODED)
            assert answer.status_code in {200, 302, 403, 405}, (name, who, answer.status_code)

        assert asker.problems == []


@pytest.mark.parametrize("name", WITH_IDS)
def test_there_is_nothing_at_an_impossible_address(name: str, campus: Campus) -> None:
    before, _angle, rest = ROUTES[name].partition("<")
    after = rest.partition(">")[2]
    for who in some(READERS, 3, of=name):
        asker = Asker(browser_of(campus, who), page_or_405)
        for value in some(IMPOSSIBLE, 4, of=f"{name} {who}"):
            for method in ("GET", "POST"):
                asker.ask(value, method, f"/{before}{value}{after}", {400, 404, 405}, b"", URLENCODED)
        for value in ("a%00b", "%00"):
            asker.ask(value, "GET", f"/{before}{value}{after}", {400})

        assert asker.problems == []


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_no_query_breaks_a_page(name: str, campus: Campus) -> None:
    address = address_of(name, campus)
    # What some page reads, and what none does.
    names = (
        "next", "course", "page", "show", "school", "wanted", "cursor", "first", "until", "section", "session", "kind",
        "operation", "object_id", "actor", "device", "state", "serial", "day", "plan", "everybody", "%ff", "",
    )  # fmt: skip
    for who in READERS:
        asker = Asker(browser_of(campus, who), page_or_405)
        for value in some(("", "0", "1e999", "//evil.example", *IMPOSSIBLE), 4, of=f"{name} {who}"):
            asker.ask(value, "GET", f"{address}?" + "&".join(f"{n}={value}" for n in names), NO_FAULT)
        asker.ask("a NUL", "GET", f"{address}?course=a%00b", {400})

        assert asker.problems == []


@pytest.mark.parametrize("name", sorted(name for name in ROUTES if ":" in name or name == "scan_code"))
def test_no_cookie_breaks_a_page(name: str, campus: Campus) -> None:
    good = {key: morsel.value for key, morsel in browser_of(campus, "student").cookies.items()}
    asker = Asker(Client(), page_or_405)
    for changed in (*good, "django_language", "messages", "csrftoken"):
        values = ("", "x", "a:b:c", "\xff\xfe", LONG[:4000], '"\\000"', EMOJI.encode().decode("latin-1"))
        for value in some(values, 2, of=f"{name} {changed}"):
            cookie = "; ".join(f"{key}={item}" for key, item in (good | {changed: value}).items())
            asker.ask(cookie, "GET", address_of(name, campus), NO_FAULT, Cookie=cookie)

    assert asker.problems == []


def test_every_page_that_takes_something_is_among_the_forms() -> None:
    assert {name for name in ROUTES if ":" in name} - ONLY_READ - WITH_FILE == FORMS.keys()
