"""Cases in words: what was seen, why it is listed, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import time_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from attendance.enums import AnomalyKind
from attendance.selectors.anomalies import INACCURATE_M, Anomaly

WHY: dict[str, Promise] = {
    AnomalyKind.SHARED_DEVICE: gettext_lazy("A phone usually belongs to one person."),
    AnomalyKind.IMPOSSIBLE_DISTANCE: gettext_lazy("Nobody travels that fast: a place may have been faked."),
    AnomalyKind.OUTSIDE: gettext_lazy("The code may have been sent to somebody who was not in the room."),
    AnomalyKind.DEVICE_REFUSED: gettext_lazy("Another student had been marked from that phone already."),
    AnomalyKind.AFTER_CLOSE: gettext_lazy("The code may have been passed on when the class was over."),
    AnomalyKind.LATE_BURST: gettext_lazy("Many at once, late: the code may have been passed on."),
    AnomalyKind.EDGE: gettext_lazy(
        "By the phone's best guess they were outside; its accuracy reached the room."
    ),
    AnomalyKind.INACCURATE: gettext_lazy("A place that is hardly known proves little."),
}

TO_DO: dict[str, Promise] = {
    AnomalyKind.SHARED_DEVICE: gettext_lazy(
        "Ask both for their phones. Where one was absent, change the mark by hand."
    ),
    AnomalyKind.IMPOSSIBLE_DISTANCE: gettext_lazy(
        "Ask the student, and compare with who else remembers them."
    ),
    AnomalyKind.OUTSIDE: gettext_lazy("They were not marked. Ask how they came by the code."),
    AnomalyKind.DEVICE_REFUSED: gettext_lazy(
        "They were not marked from it. Mark by hand whoever was in the room."
    ),
    AnomalyKind.AFTER_CLOSE: gettext_lazy(
        "They were not marked. Whoever was in the room can ask for a correction."
    ),
    AnomalyKind.LATE_BURST: gettext_lazy("Compare with a head count, and change marks that are wrong."),
    AnomalyKind.EDGE: gettext_lazy(
        "Nothing, if they sat there. If it happens often, widen the room's radius."
    ),
    AnomalyKind.INACCURATE: gettext_lazy("Nothing, if they sat there. Indoors phones often know no better."),
}


def seen(anomaly: Anomaly) -> str:
    """What was seen, in one sentence."""
    return _SENTENCES[anomaly.kind](anomaly.figures, len(anomaly.student_ids))


def _shared(figures: dict[str, Any], students: int) -> str:
    classes = int(figures["classes"])
    return ngettext(
        "{students} students scanned with the same device in {n} class.",
        "{students} students scanned with the same device in {n} classes.",
        classes,
    ).format(students=students, n=classes)


def _distance(figures: dict[str, Any], students: int) -> str:
    return _("Two scans {metres} apart within {time}.").format(
        metres=metres(figures["metres"]), time=_duration(float(figures["seconds"]))
    )


def _outside(figures: dict[str, Any], students: int) -> str:
    if figures.get("metres") is None:
        return _people(students)
    return _("{people}, up to {metres} from the room (allowed: {radius}).").format(
        people=_people(students), metres=metres(figures["metres"]), radius=metres(figures["radius"])
    )


def _refused(figures: dict[str, Any], students: int) -> str:
    return _people(students) + "."


def _burst(figures: dict[str, Any], students: int) -> str:
    return _("{people} between {first} and {last}.").format(
        people=_people(students), first=_clock(figures["first"]), last=_clock(figures["last"])
    )


def _inaccurate(figures: dict[str, Any], students: int) -> str:
    return _("{people}: the phone was unsure by up to {metres} (from {least} on it is listed).").format(
        people=_people(students), metres=metres(figures["metres"]), least=metres(INACCURATE_M)
    )


_SENTENCES: dict[str, Callable[[dict[str, Any], int], str]] = {
    AnomalyKind.SHARED_DEVICE: _shared,
    AnomalyKind.IMPOSSIBLE_DISTANCE: _distance,
    AnomalyKind.OUTSIDE: _outside,
    AnomalyKind.DEVICE_REFUSED: _refused,
    AnomalyKind.AFTER_CLOSE: _burst,
    AnomalyKind.LATE_BURST: _burst,
    AnomalyKind.EDGE: _outside,
    AnomalyKind.INACCURATE: _inaccurate,
}


def _people(number: int) -> str:
    return ngettext("{n} student", "{n} students", number).format(n=number)


def metres(value: float) -> str:
    """A length as people say it."""
    if value >= 1000:
        return _("{n} km").format(n=f"{value / 1000:.1f}")
    return _("{n} m").format(n=round(value))


def _duration(seconds: float) -> str:
    if seconds < 120:
        return ngettext("{n} second", "{n} seconds", round(seconds)).format(n=round(seconds))
    minutes = round(seconds / 60)
    return ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes)


def _clock(instant: str) -> str:
    """The wall-clock time of the active zone, which pages set to the school's."""
    return time_format(timezone.localtime(datetime.fromisoformat(instant)), "H:i:s")
