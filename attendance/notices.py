"""What people are told of attendance: the kinds of notices, and their words.

The data of a notice (made in `services.telling`) holds ids, numbers, names of courses and instants; a sentence comes
about here when somebody reads it, in their language and on their school's clock.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.enums import Role
from notifications.enums import Mode
from notifications.kinds import Facts, Kind, Text, register

ABSENCE = "absence"
SHORTAGE = "shortage"
SHORTAGE_SUMMARY = "shortage_summary"
CLASS_CHANGE = "class_change"
LEAVE_WAITING = "leave_waiting"
LEAVE_DECISION = "leave_decision"
CORRECTION_WAITING = "correction_waiting"
CORRECTION_DECISION = "correction_decision"
CONDONATION_WAITING = "condonation_waiting"
CONDONATION_DECISION = "condonation_decision"

#: Courses of a shortage that are named; the page has all of them.
_NAMED = 4

_STUDENTS = frozenset({Role.STUDENT})
_REVIEWERS = frozenset({Role.FACULTY, Role.ADMIN})


def register_all() -> None:
    """Called once, when the app is ready."""
    register(
        Kind(
            CLASS_CHANGE,
            gettext_lazy("Classes that change"),
            "calendar",
            frozenset({Role.STUDENT, Role.FACULTY}),
            _class_change,
            webhook=True,
        ),
        Kind(
            ABSENCE, gettext_lazy("Absences"), "status-absent", _STUDENTS, _absence, Mode.DIGEST, webhook=True
        ),
        Kind(SHORTAGE, gettext_lazy("Shortage of attendance, weekly"), "alert", _STUDENTS, _shortage),
        Kind(LEAVE_DECISION, gettext_lazy("Decisions on leave"), "leave", _STUDENTS, _leave, webhook=True),
        Kind(
            CORRECTION_DECISION,
            gettext_lazy("Decisions on corrections"),
            "check",
            _STUDENTS,
            _correction,
            webhook=True,
        ),
        Kind(
            CONDONATION_DECISION,
            gettext_lazy("Decisions on condonation"),
            "check",
            _STUDENTS,
            _condonation,
            webhook=True,
        ),
        Kind(
            LEAVE_WAITING,
            gettext_lazy("Leave that waits for a decision"),
            "approvals",
            _REVIEWERS,
            _leave_waiting,
            Mode.DIGEST,
        ),
        Kind(
            CORRECTION_WAITING,
            gettext_lazy("Corrections that wait for a decision"),
            "approvals",
            _REVIEWERS,
            _correction_waiting,
            Mode.DIGEST,
        ),
        Kind(
            CONDONATION_WAITING,
            gettext_lazy("Condonation that waits for a decision"),
            "approvals",
            _REVIEWERS,
            _condonation_waiting,
            Mode.DIGEST,
        ),
        Kind(
            SHORTAGE_SUMMARY,
            gettext_lazy("Shortages of the department, weekly"),
            "alert",
            frozenset({Role.FACULTY}),
            _shortage_summary,
        ),
    )


# -- classes ---------------------------------------------------------------------------------------------------------


def _absence(facts: Facts) -> Text:
    course = facts.data["course"]
    return Text(
        _("Absent: {course}").format(course=course),
        _("In the class of {day}, {time}. If that is wrong, ask for a correction.").format(
            day=facts.day("starts_at"), time=facts.time("starts_at")
        ),
        f"{reverse('attendance:history')}?{urlencode({'course': facts.data['code']})}",
    )


def _class_change(facts: Facts) -> Text:
    title, body = _CHANGES[facts.data["change"]](facts)
    return Text(title, body, reverse("attendance:home"))


def _cancelled(facts: Facts) -> tuple[str, str]:
    if "classes" in facts.data:
        n = len(facts.data["classes"])
        title = ngettext(
            "{n} class on {day} is cancelled: {reason}", "{n} classes on {day} are cancelled: {reason}", n
        )
        return title.format(n=n, day=facts.day("day"), reason=facts.data["reason"]), _listed(facts)
    return (
        _("{course} on {day} is cancelled").format(course=facts.data["course"], day=facts.day("starts_at")),
        _("It would have begun at {time}. {reason}").format(
            time=facts.time("starts_at"), reason=facts.data["reason"]
        ),
    )


def _restored(facts: Facts) -> tuple[str, str]:
    n = len(facts.data["classes"])
    title = ngettext(
        "{n} class on {day} takes place after all", "{n} classes on {day} take place after all", n
    )
    return title.format(n=n, day=facts.day("day")), _listed(facts)


def _changed(facts: Facts) -> tuple[str, str]:
    return _("{course} has changed").format(course=facts.data["course"]), _("Now: {when}").format(
        when=_when(facts)
    )


def _handed_over(facts: Facts) -> tuple[str, str]:
    return _("{course} has changed").format(course=facts.data["course"]), _(
        "Others teach the class of {day}, {time}."
    ).format(day=facts.day("starts_at"), time=facts.time("starts_at"))


def _substituted(facts: Facts) -> tuple[str, str]:
    title = _("{course} on {day}: substitute").format(course=facts.data["course"], day=facts.day("starts_at"))
    if not facts.about:
        return title, _("Its own faculty teach it after all.")
    return title, _("{name} teaches the class at {time}.").format(
        name=facts.about, time=facts.time("starts_at")
    )


def _extra(facts: Facts) -> tuple[str, str]:
    return _("Extra class: {course}").format(course=facts.data["course"]), _when(facts)


def _weekly(facts: Facts) -> tuple[str, str]:
    title = _("{course} has a new place in the timetable").format(course=facts.data["course"])
    return title, _("From {day} on; your page shows when.").format(day=facts.day("starts_at"))


def _ended(facts: Facts) -> tuple[str, str]:
    title = _("{course} leaves the timetable").format(course=facts.data["course"])
    return title, _("The first class that does not take place is that of {day}, {time}.").format(
        day=facts.day("starts_at"), time=facts.time("starts_at")
    )


def _when(facts: Facts) -> str:
    """Wed 4 Nov, 09:00–09:50, room A1."""
    values = {"day": facts.day("starts_at"), "time": facts.time("starts_at"), "end": facts.time("ends_at")}
    if facts.data["room"]:
        return _("{day}, {time}–{end}, room {room}").format(room=facts.data["room"], **values)
    return _("{day}, {time}–{end}").format(**values)


def _listed(facts: Facts) -> str:
    """The classes of a day: 09:00 Data Structures, 11:00 Physics."""
    return ", ".join(
        f"{Facts(one, '', facts.school).time('starts_at')} {one['course']}" for one in facts.data["classes"]
    )


_CHANGES = {
    "cancelled": _cancelled,
    "restored": _restored,
    "changed": _changed,
    "handed over": _handed_over,
    "substituted": _substituted,
    "extra": _extra,
    "weekly": _weekly,
    "ended": _ended,
}


# -- shortage --------------------------------------------------------------------------------------------------------


def _shortage(facts: Facts) -> Text:
    courses = facts.data["courses"]
    title = ngettext(
        "Below {threshold} in {n} course", "Below {threshold} in {n} courses", len(courses)
    ).format(threshold=f"{facts.data['threshold']} %", n=len(courses))
    lines = [
        ngettext(
            "{course}: {percentage} %, attend the next class",
            "{course}: {percentage} %, attend the next {need}",
            one["need"],
        ).format(**{**one, "percentage": formats.number_format(one["percentage"], 2)})
        for one in courses[:_NAMED]
    ]
    if len(courses) > _NAMED:
        more = len(courses) - _NAMED
        lines.append(ngettext("and {n} more", "and {n} more", more).format(n=more))
    return Text(title, " · ".join(lines), reverse("attendance:history"))


def _shortage_summary(facts: Facts) -> Text:
    n = facts.data["students"]
    title = ngettext(
        "{n} student of {department} is below {threshold} %",
        "{n} students of {department} are below {threshold} %",
        n,
    )
    return Text(
        title.format(n=n, department=facts.data["department"], threshold=facts.data["threshold"]),
        _("{n} of them below {floor} %, where nothing is condoned.").format(
            n=facts.data["severe"], floor=facts.data["floor"]
        ),
        reverse("attendance:department"),
    )


# -- what students ask for -------------------------------------------------------------------------------------------


def _leave(facts: Facts) -> Text:
    titles = {
        "approved": _("Your leave is approved"),
        "rejected": _("Your leave is rejected"),
        "revoked": _("The approval of your leave is taken back"),
    }
    return Text(titles[facts.data["status"]], _days(facts), reverse("attendance:leave"))


def _leave_waiting(facts: Facts) -> Text:
    title = _("{name} asks for leave").format(name=facts.about)
    return Text(title, _days(facts), reverse("attendance:approvals"))


def _days(facts: Facts) -> str:
    if facts.data["from"] == facts.data["to"]:
        return facts.day("from")
    return _("{first} to {last}").format(first=facts.day("from"), last=facts.day("to"))


def _correction(facts: Facts) -> Text:
    titles = {"approved": _("Your mark is corrected"), "rejected": _("Your mark stays as it is")}
    return Text(titles[facts.data["status"]], _class_of(facts), reverse("attendance:history"))


def _correction_waiting(facts: Facts) -> Text:
    title = _("{name} asks for a correction").format(name=facts.about)
    return Text(title, _class_of(facts), reverse("attendance:approvals"))


def _class_of(facts: Facts) -> str:
    return _("{course}, {day}, {time}").format(
        course=facts.data["course"], day=facts.day("starts_at"), time=facts.time("starts_at")
    )


def _condonation(facts: Facts) -> Text:
    titles = {
        "recommended": _("Your request for condonation is recommended"),
        "approved": _("Your shortage is condoned"),
        "rejected": _("Your request for condonation is rejected"),
    }
    return Text(titles[facts.data["status"]], facts.data["course"], reverse("attendance:history"))


def _condonation_waiting(facts: Facts) -> Text:
    if facts.data["status"] == "recommended":
        title = _("Condonation for {name} is recommended").format(name=facts.about)
    else:
        title = _("{name} asks for condonation").format(name=facts.about)
    return Text(title, facts.data["course"], reverse("attendance:approvals"))
