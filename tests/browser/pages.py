"""The pages that have a look, each in the state a person meets it in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, Route, expect

from accounts.models import User
from attendance import codes
from attendance.models import AttendanceConfiguration
from core import clock
from tests.browser.campus import Campus
from tests.factories import PASSWORD, SchoolFactory, StudentFactory

Act = Callable[[Page, Campus], None]
OpenPage = Callable[..., Page]


def _nothing(page: Page, campus: Campus) -> None:
    """The page as it comes."""


def wrong_password(page: Page, campus: Campus) -> None:
    page.get_by_label("Enrollment or employee number").fill("nobody")
    page.get_by_label("Password", exact=True).fill("not-the-password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def known_in_two_schools(page: Page, campus: Campus) -> None:
    """The number is another person's elsewhere too, so the page asks which school is meant."""
    number = campus.students[0].enrollment_no
    StudentFactory(school=SchoolFactory(), enrollment_no=number)
    page.get_by_label("Enrollment or employee number").fill(number)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("School code")).to_be_visible()


def code_of(campus: Campus) -> str:
    """The address that the class screen shows at this moment."""
    rules = AttendanceConfiguration.objects.get(school=campus.school)
    code = codes.code_at(
        session_id=campus.open.pk,
        school_id=campus.school.pk,
        generation=campus.open.qr_generation,
        rotation=rules.qr_rotation_seconds,
        now=clock.now(),
    )
    return f"/s/{codes.encode(code)}"


def open_code(page: Page, campus: Campus) -> None:
    page.goto(code_of(campus))
    expect(page.get_by_role("button", name="I am here")).to_be_visible()


def marked_present(page: Page, campus: Campus) -> None:
    open_code(page, campus)
    page.get_by_role("button", name="I am here").click()
    expect(page.get_by_role("link", name="Done")).to_be_visible()


def foreign_code(page: Page, campus: Campus) -> None:
    page.goto("/s/not-a-code-of-ours")


def code_shown(page: Page, campus: Campus) -> None:
    expect(page.locator("[data-qr] svg")).to_be_visible()


def close_dialog(page: Page, campus: Campus) -> None:
    page.get_by_role("button", name="Close class").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


def menu_open(page: Page, campus: Campus) -> None:
    page.locator("details[data-menu] .ch-avatar").click()


def more_open(page: Page, campus: Campus) -> None:
    """A wide window lists the further pages in its header, a phone on a page of their own."""
    wide = page.locator(".ch-nav-more summary")
    if wide.is_visible():
        wide.click()
    else:
        page.locator(".ch-bottom a[href='/more/']").click()
        expect(page.locator(".ch-places")).to_be_visible()


def cancel_dialog(page: Page, campus: Campus) -> None:
    page.get_by_role("button", name="Cancel leave").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


def classes_offered(page: Page, campus: Campus) -> None:
    page.get_by_label("First day").fill("2026-11-19")
    page.get_by_role("group", name="Only some classes").get_by_role("checkbox").first.check()


def leave_refused(page: Page, campus: Campus) -> None:
    """The days are taken already, and nothing is said why."""
    page.get_by_label("First day").fill("2026-11-19")
    page.get_by_role("button", name="Send the application").click()
    expect(page.get_by_role("alert")).to_be_visible()


def rejection_unexplained(page: Page, campus: Campus) -> None:
    page.get_by_text("Reject…").first.click()
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_text("Say why")).to_be_visible()


def all_selected(page: Page, campus: Campus) -> None:
    page.get_by_label("Select all").check()
    expect(page.get_by_role("button", name="Approve the selected (4)")).to_be_visible()


def all_conflicts_selected(page: Page, campus: Campus) -> None:
    page.get_by_label("Select all").check()
    expect(page.get_by_role("button", name="Take selected (2)")).to_be_visible()


def without_network(page: Page, campus: Campus) -> None:
    """One mark waits on the device."""
    page.context.set_offline(True)
    expect(page.locator("[data-device-alert]")).to_be_visible()
    page.locator("[data-student]").last.focus()
    page.keyboard.press("a")
    expect(page.locator("[data-note]").last).not_to_be_empty()


def not_taken(page: Page, campus: Campus) -> None:
    """Of two marks made without a network one is in dispute, and of one the class was locked meanwhile."""

    def answer(route: Route) -> None:
        results = [
            {"client_id": entry["client_id"], "record": None, "status": None, **what}
            for entry, what in zip(
                route.request.post_data_json["entries"],
                (
                    {"outcome": "conflict"},
                    {"outcome": "rejected", "code": "session_locked", "detail": "The class is locked."},
                ),
                strict=True,
            )
        ]
        route.fulfill(json={"results": results})

    page.context.route("**/records/offline-sync/", answer)
    page.context.set_offline(True)
    expect(page.locator("[data-device-alert]")).to_be_visible()
    page.locator("[data-student]").last.focus()
    page.keyboard.press("a")
    page.locator("[data-student]").first.focus()
    page.keyboard.press("a")
    expect(page.locator("[data-note]").first).not_to_be_empty()
    page.context.set_offline(False)
    expect(page.locator("[data-problems] li")).to_have_count(2)
    expect(page.locator("[data-device-alert]")).to_be_hidden()


@dataclass(frozen=True)
class Scene:
    """A page in a state: who looks (an attribute of Campus, "" for nobody), where, and what they did there."""

    name: str
    who: str
    path: str
    act: Act = _nothing
    status: int = 200

    def address(self, campus: Campus) -> str:
        return self.path.format(
            open=campus.open.pk,
            closed=campus.closed.pk,
            section=campus.section.pk,
            quiet=campus.quiet.pk,
            pending=campus.pending.pk,
        )

    def play(self, campus: Campus, open_page: OpenPage, **how: Any) -> Page:
        """The page in its state, in a browser of its own."""
        user: User | None = getattr(campus, self.who) if self.who else None
        page = open_page(self.address(campus), user, status=self.status, **how)
        self.act(page, campus)
        return page


#: What is done there is found by its English name.
_IN_ENGLISH = {
    wrong_password,
    known_in_two_schools,
    open_code,
    marked_present,
    close_dialog,
    cancel_dialog,
    classes_offered,
    leave_refused,
    rejection_unexplained,
    all_selected,
    all_conflicts_selected,
}

SCENES = [
    Scene("login", "", "/login/"),
    Scene("login-wrong", "", "/login/", wrong_password),
    Scene("login-school", "", "/login/", known_in_two_schools),
    Scene("student-home", "student", "/"),
    Scene("student-menu", "student", "/", menu_open),
    Scene("student-history", "student", "/attendance/"),
    Scene("student-course", "student", "/attendance/?course=CS302"),
    Scene("leave", "student", "/leave/"),
    Scene("leave-cancel", "student", "/leave/", cancel_dialog),
    Scene("leave-apply", "student", "/leave/apply/"),
    Scene("leave-classes", "student", "/leave/apply/", classes_offered),
    Scene("leave-refused", "student", "/leave/apply/", leave_refused),
    Scene("leave-change", "student", "/leave/{pending}/change/"),
    Scene("scan", "student", "/scan/"),
    Scene("scan-confirm", "student", "/scan/", open_code),
    Scene("scan-refused", "student", "/scan/", foreign_code),
    Scene("scan-present", "student", "/scan/", marked_present),
    Scene("faculty-today", "teacher", "/"),
    Scene("class-screen", "teacher", "/classes/{open}/screen/", code_shown),
    Scene("roster-open", "teacher", "/classes/{open}/"),
    Scene("roster-offline", "teacher", "/classes/{open}/", without_network),
    Scene("roster-not-taken", "teacher", "/classes/{open}/", not_taken),
    Scene("roster-close", "teacher", "/classes/{open}/", close_dialog),
    Scene("roster-closed", "teacher", "/classes/{closed}/"),
    Scene("shortage", "teacher", "/shortage/"),
    Scene("shortage-nobody", "teacher", "/shortage/?band=condonable&section={section}"),
    Scene("section", "teacher", "/sections/{section}/"),
    Scene("section-empty", "office", "/sections/{quiet}/"),
    Scene("department", "head", "/department/"),
    Scene("approvals-teacher", "teacher", "/approvals/"),
    Scene("approvals", "office", "/approvals/", all_selected),
    Scene("approvals-unexplained", "office", "/approvals/", rejection_unexplained),
    Scene("approvals-approved", "office", "/approvals/?state=approved"),
    Scene("conflicts", "teacher", "/conflicts/", all_conflicts_selected),
    Scene("conflicts-none", "teacher", "/conflicts/?state=decided"),
    Scene("approvals-none", "office", "/approvals/?state=revoked"),
    Scene("overview", "office", "/"),
    Scene("more", "office", "/more/"),
    Scene("more-open", "office", "/", more_open),
    Scene("shortage-office", "office", "/shortage/"),
    Scene("configuration", "office", "/configuration/"),
    Scene("offline", "", "/offline/"),
    Scene("error-403", "teacher", "/configuration/", status=403),
    Scene("error-404", "student", "/no-such-page/", status=404),
]
#: Those that can be played in any language.
WORDLESS = [scene for scene in SCENES if scene.act not in _IN_ENGLISH]
