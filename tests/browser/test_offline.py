"""A class without a network, in a real browser: what is marked meanwhile is neither lost nor doubled."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from academics.models import Enrollment, Student
from accounts.models import User
from attendance.models import AttendanceRecord, Session, SyncBatch, SyncConflict, SyncEntry
from attendance.services.marking import Mark, bulk_mark
from audit.models import AuditEntry
from core import clock
from tests.attendance.scans import students_of
from tests.factories import PASSWORD, FacultyFactory, SectionFactory, SessionFactory, UserFactory
from tests.factories.attendance import STARTS

pytestmark = pytest.mark.django_db(transaction=True)

At = Callable[[datetime], None]
BULK, SYNC = "**/records/bulk-mark/", "**/records/offline-sync/"


@pytest.fixture
def context(new_context: Callable[..., BrowserContext], teacher: User) -> BrowserContext:
    """The teacher's browser, with the service worker."""
    return new_context(teacher, service_workers="allow")


@pytest.fixture
def running(site: str, at: At) -> Session:
    """A class of thirty-two that has been open for two minutes."""
    at(STARTS + timedelta(minutes=2))
    return SessionFactory(section=SectionFactory(students=32), open=True)


@pytest.fixture
def teacher(running: Session) -> User:
    return running.faculty.get().user


@pytest.fixture
def students(running: Session) -> list[Student]:
    return sorted(students_of(running), key=lambda student: student.enrollment_no)


KEPT = """async (path) => {
    for (;;) {
        const names = (await caches.keys()).filter((name) => name.startsWith("campushub-pages-"));
        for (const name of names) if (await (await caches.open(name)).match(path)) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}"""


def roster(context: BrowserContext, session: Session) -> Page:
    """The roster, once it is kept on the device."""
    page = context.new_page()
    page.goto(f"/classes/{session.pk}/")
    page.evaluate(KEPT, f"/classes/{session.pk}/")
    return page


def cell(page: Page, student: Student) -> Any:
    return page.locator(f"#s-{student.enrollment_no}")


def mark(page: Page, student: Student, key: str) -> None:
    cell(page, student).focus()
    page.keyboard.press(key)


def shown(page: Page, *students: Student) -> list[str]:
    return [str(cell(page, student).get_attribute("data-status")) for student in students]


def line(page: Page) -> Any:
    """What the page says of the device; in a live region."""
    region = page.get_by_role("region", name="Marks on this device")
    return region.get_by_role("status").locator("[data-device-text]")


def saved(session: Session) -> dict[str, str]:
    """Enrollment number to status."""
    found = AttendanceRecord.objects.filter(session=session)
    return dict(found.values_list("student__enrollment_no", "status"))


def wait_for_marks(page: Page, session: Session, wanted: dict[str, str]) -> None:
    """Until the page has nothing left to send; then the server has exactly these."""
    expect(page.locator("[data-grid] [data-pending]")).to_have_count(0)
    assert saved(session) == wanted


def lose_network(page: Page) -> None:
    """Until the page has noticed: what is marked from then on waits."""
    page.context.set_offline(True)
    expect(line(page)).to_contain_text("No connection.")


def sign_in(page: Page, user: User) -> None:
    page.get_by_label("Enrollment or employee number").fill(user.username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_thirty_marks_made_without_a_network_keep_the_time_they_were_made_at(
    running: Session, teacher: User, students: list[Student], context: BrowserContext, at: At
) -> None:
    began = STARTS + timedelta(minutes=2)
    context.clock.install(time=began + timedelta(minutes=20))  # the device's clock is that much fast
    page = roster(context, running)
    online, offline = students[:2], students[2:]
    for student in online:
        mark(page, student, "l")
    wait_for_marks(page, running, {student.enrollment_no: "late" for student in online})

    lose_network(page)
    expect(line(page)).to_have_text("No connection. Marks are kept on this device and sent by themselves.")
    cell(page, offline[0]).focus()
    for index in range(30):
        page.keyboard.press("a" if index % 3 == 0 else "p")
    expect(line(page)).to_have_text("No connection. 30 marks wait on this device and are sent by themselves.")
    expect(cell(page, offline[0])).to_contain_text(re.compile(r"waits, \d\d:\d\d"))

    # Ten minutes later, still without a network, the window is closed and another one opened.
    page.close()
    at(began + timedelta(minutes=10))
    page = context.new_page()
    page.clock.fast_forward("10:00")
    page.goto(f"/classes/{running.pk}/?show=all")
    expect(line(page)).to_have_text("No connection. 30 marks wait on this device and are sent by themselves.")
    expected = ["late"] * 2 + ["absent" if index % 3 == 0 else "present" for index in range(30)]
    assert shown(page, *students) == expected
    page.get_by_role("button", name="Close class").first.click(force=True)
    expect(page.get_by_text("This needs the network.")).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()

    context.set_offline(False)
    expect(page.get_by_text("30 marks are sent.")).to_be_visible()
    expect(line(page)).to_have_text("")
    numbers = [student.enrollment_no for student in students]
    wait_for_marks(page, running, dict(zip(numbers, expected, strict=True)))
    records = AttendanceRecord.objects.filter(session=running, student__in=offline)
    assert {(record.source, record.offline, record.marked_by_id) for record in records} == {
        ("manual", True, teacher.pk)
    }
    (device,) = {record.metadata["device"] for record in records}
    assert SyncBatch.objects.get().device_id == device
    for record in records:
        assert abs(record.marked_at - began) < timedelta(minutes=2)
    assert SyncEntry.objects.filter(outcome="created").count() == 30


def test_what_was_on_its_way_when_the_network_broke_is_neither_lost_nor_doubled(
    running: Session, teacher: User, students: list[Student], context: BrowserContext
) -> None:
    first, second, third, fourth, fifth = students[:5]
    page = roster(context, running)

    def answer_lost(route: Route) -> None:
        route.fetch()
        route.abort()

    # The server has it, the browser does not know.
    context.route(BULK, answer_lost, times=1)
    context.route(SYNC, lambda route: route.fulfill(status=503), times=1)
    mark(page, first, "p")
    expect(line(page)).to_have_text("No connection. 1 mark waits on this device and is sent by itself.")
    assert saved(running) == {first.enrollment_no: "present"}
    expect(line(page)).to_have_text("")
    wait_for_marks(page, running, {first.enrollment_no: "present"})
    assert AuditEntry.objects.filter(action="record.create").count() == 1

    # What is undone before it was sent is not sent.
    lose_network(page)
    mark(page, second, "p")
    mark(page, third, "a")
    mark(page, fourth, "l")
    mark(page, fourth, "e")
    mark(page, first, "a")
    mark(page, fifth, "p")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert shown(page, first, second, third, fourth, fifth) == ["present", "present", "absent", "excused", ""]
    expect(line(page)).to_have_text("No connection. 3 marks wait on this device and are sent by themselves.")

    # Undoing works on after a reload; another tab of the same person sees and sends the same.
    page.reload()
    expect(cell(page, fourth)).to_contain_text("waits")
    page.keyboard.press("Control+z")
    other = context.new_page()
    other.goto(f"/classes/{running.pk}/")
    expect(cell(other, fourth)).to_contain_text("waits")
    assert shown(other, first, second, third, fourth) == ["present", "present", "absent", "late"]
    context.set_offline(False)
    wanted = {
        first.enrollment_no: "present",
        second.enrollment_no: "present",
        third.enrollment_no: "absent",
        fourth.enrollment_no: "late",
    }
    for each in (page, other):
        expect(line(each)).to_have_text("")
        wait_for_marks(each, running, wanted)
    assert SyncEntry.objects.filter(outcome="created").count() == 3


def test_only_whoever_made_the_marks_sends_them(
    running: Session, teacher: User, students: list[Student], context: BrowserContext
) -> None:
    page = roster(context, running)
    lose_network(page)
    mark(page, students[0], "p")
    expect(line(page)).to_contain_text("1 mark waits")

    # The session ends meanwhile: all is kept, and the page says what to do.
    page.close()
    context.clear_cookies(name=re.compile("session"))
    context.set_offline(False)
    page = context.new_page()
    page.goto("/login/")
    colleague = FacultyFactory(school=running.school).user
    sign_in(page, colleague)
    expect(line(page)).to_have_text("1 mark that somebody else made waits on this device until they sign in.")
    assert saved(running) == {}
    context.set_offline(True)
    page.goto(f"/classes/{running.pk}/")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    context.set_offline(False)
    expect(page.get_by_role("heading", name="No connection")).to_be_hidden(
        timeout=15_000
    )  # it asks again by itself
    page.goto("/")
    page.locator("details[data-menu] summary").last.click()
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, teacher)
    expect(page.get_by_text("1 mark is sent.")).to_be_visible()
    assert saved(running) == {students[0].enrollment_no: "present"}
    assert AttendanceRecord.objects.get(session=running).marked_by_id == teacher.pk


def test_an_ended_session_keeps_everything_and_asks_to_sign_in(
    running: Session, teacher: User, students: list[Student], context: BrowserContext
) -> None:
    page = roster(context, running)
    lose_network(page)
    mark(page, students[0], "p")
    mark(page, students[1], "a")
    expect(line(page)).to_contain_text("2 marks wait")
    context.clear_cookies(name=re.compile("session"))
    context.set_offline(False)
    expect(line(page)).to_have_text("2 marks wait on this device. Sign in again to send them.")
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, teacher)
    expect(page.get_by_text("2 marks are sent.")).to_be_visible()
    wait_for_marks(page, running, {students[0].enrollment_no: "present", students[1].enrollment_no: "absent"})


def test_what_the_server_does_not_take_is_listed_by_name(
    running: Session, teacher: User, students: list[Student], context: BrowserContext
) -> None:
    disputed, gone, good = students[:3]
    page = roster(context, running)
    lose_network(page)
    for student in (disputed, gone, good):
        mark(page, student, "a")
    expect(line(page)).to_contain_text("3 marks wait")
    office = UserFactory(school=running.school)
    later = clock.now() + timedelta(minutes=1)  # the way to the server counts as time of the mark
    bulk_mark(session=running, marks=[Mark(disputed.enrollment_no, "present")], by=office, now=later)
    Enrollment.objects.filter(student=gone).update(left_on=running.held_on)

    context.set_offline(False)
    problems = page.get_by_role("group", name="Not taken over")
    expect(problems.get_by_role("listitem")).to_have_count(2)
    expect(problems.get_by_role("listitem").nth(0)).to_contain_text(f"{disputed.user.full_name}: absent")
    expect(problems.get_by_role("listitem").nth(0)).to_contain_text("Decide which mark stands.")
    expect(problems.get_by_role("listitem").nth(1)).to_contain_text(f"{gone.user.full_name}: absent")
    expect(problems.get_by_role("listitem").nth(1)).to_contain_text("not on the roster")
    assert shown(page, disputed, gone, good) == ["present", "", "absent"]
    assert SyncConflict.objects.get().entry.student == disputed

    # Seen on any page until they are put away.
    problems.get_by_role("link", name="Decide").click()
    expect(page.get_by_role("heading", name="Conflicts")).to_be_visible()
    expect(page.locator("main").get_by_text(disputed.user.full_name).last).to_be_visible()
    page.goto("/")
    expect(problems.get_by_role("listitem")).to_have_count(2)
    problems.get_by_role("button", name="I have seen it").click()
    expect(problems).to_be_hidden()
    page.reload()
    expect(page.locator("[data-device-alert]")).to_be_hidden()
    expect(problems).to_be_hidden()


def test_without_a_network_the_screen_does_not_show_a_code_that_no_longer_works(
    running: Session, teacher: User, context: BrowserContext
) -> None:
    page = roster(context, running)
    page.goto(f"/classes/{running.pk}/screen/")
    expect(page.locator("[data-qr] svg")).to_be_visible()
    context.set_offline(True)
    page.reload()
    expect(page.locator("[data-qr]").get_by_text("Codes cannot be shown without")).to_be_visible()
    page.get_by_role("link", name="Roster").click()
    expect(page.get_by_role("heading", name="Roster")).to_be_visible()
    page.go_back()
    context.set_offline(False)
    expect(page.locator("[data-qr] svg")).to_be_visible()


def test_a_new_version_of_the_site_replaces_all_that_is_kept_pages_included(
    running: Session, teacher: User, context: BrowserContext
) -> None:
    page = roster(context, running)
    before = page.evaluate("caches.keys()")
    assert len(before) == 2
    page.evaluate(
        """() => {
            const offer = new Event("beforeinstallprompt", { cancelable: true });
            offer.prompt = () => document.body.dataset.prompted = "";
            dispatchEvent(offer);
        }"""
    )
    page.locator("details[data-menu] summary").last.click()
    page.get_by_role("button", name="Install as an app").click()
    expect(page.locator("body[data-prompted]")).to_be_attached()

    # Another language is another version: the page without a network is kept in it.
    page.get_by_role("button", name="తెలుగు").click()
    expect(page.locator("html[lang=te]")).to_be_attached()
    page.evaluate(
        """async (before) => {
            for (;;) {
                const names = await caches.keys();
                if (names.length === 2 && !names.some((name) => before.includes(name))) return;
                await new Promise((resolve) => setTimeout(resolve, 50));
            }
        }""",
        before,
    )
    context.set_offline(True)
    page.reload()
    expect(page.locator("html[lang=te] [data-grid]")).to_be_visible()
