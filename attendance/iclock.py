"""The push protocol of ZKTeco and eSSL readers, as text: what they send and what they understand.

A reader asks over plain HTTP: it shakes hands, sends its log as lines of columns between tabs, asks for commands and
tells what became of them. It sends again what was not answered with ``OK``, for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from attendance.enums import Direction, ReadingReason

#: What a serial number may look like; anything else is no reader.
SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: Numbers of people; most models allow digits only, some letters as well.
PIN = re.compile(r"[A-Za-z0-9]{1,24}")
#: How a log line says what the person did. 255 is a reader without keys for it, where everybody only comes.
_DIRECTIONS = {
    "0": Direction.IN,
    "1": Direction.OUT,
    "2": Direction.OUT,  # to a break
    "3": Direction.IN,  # from a break
    "4": Direction.IN,  # overtime
    "5": Direction.OUT,
    "255": Direction.IN,
}
_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
#: Clocks that were never set begin in 2000; dates far away break calendars.
_YEARS = range(2000, 2101)
_SMALL = 32767


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody was recognised. `at` is the reader's own time; a person is told by `pin` or by `card`."""

    at: datetime
    direction: Direction = Direction.IN
    pin: str = ""
    card: str = ""
    verify: int | None = None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that says nothing that could be used."""

    line: str
    reason: ReadingReason


def lines_of(body: bytes) -> list[str]:
    """The lines that hold anything. Readers write Latin-1, or what their maker takes for it: every byte is read."""
    return [line for line in body.decode("latin-1").replace("\r", "\n").split("\n") if line]


def read_log(lines: list[str], *, zone: ZoneInfo) -> tuple[list[Reading], list[BadLine]]:
    """The readings of an ATTLOG and the lines that are none; times are of the clock on the wall in `zone`."""
    readings: list[Reading] = []
    bad: list[BadLine] = []
    for line in lines:
        found = _reading(line.split("\t"), zone)
        if isinstance(found, Reading):
            readings.append(found)
        else:
            bad.append(BadLine(line, found))
    return readings, bad


def _reading(columns: list[str], zone: ZoneInfo) -> Reading | ReadingReason:
    if len(columns) < 3:
        return ReadingReason.BAD_LINE
    pin, time, direction = (column.strip() for column in columns[:3])
    if not PIN.fullmatch(pin):
        return ReadingReason.BAD_PIN
    at = _instant(time, zone)
    if at is None:
        return ReadingReason.BAD_TIME
    if direction not in _DIRECTIONS:
        return ReadingReason.BAD_DIRECTION
    verify = columns[3].strip() if len(columns) > 3 else ""
    known = verify.isascii() and verify.isdigit() and int(verify[:6]) <= _SMALL
    return Reading(at, _DIRECTIONS[direction], pin, verify=int(verify[:6]) if known else None)


def _instant(time: str, zone: ZoneInfo) -> datetime | None:
    if not (time.isascii() and _TIME.fullmatch(time)):
        return None
    try:
        local = datetime.fromisoformat(time)
    except ValueError:
        return None
    return local.replace(tzinfo=zone).astimezone(UTC) if local.year in _YEARS else None


def handshake(serial: str, *, stamp: str, zone: ZoneInfo, now: datetime) -> str:
    """What a reader is told when it starts: how far its log is known, how often to call, and the time zone."""
    return "\n".join(
        [
            f"GET OPTION FROM: {serial}",
            f"ATTLOGStamp={stamp or 0}",
            "OPERLOGStamp=0",
            "ATTPHOTOStamp=0",
            "ErrorDelay=30",
            "Delay=10",
            "TransTimes=00:00;14:05",
            "TransInterval=1",
            # The log alone: templates and photographs stay in the reader.
            "TransFlag=1000000000",
            f"TimeZone={_offset(zone, now)}",
            "Realtime=1",
            "Encrypt=0",
            "",
        ]
    )


def _offset(zone: ZoneInfo, now: datetime) -> int:
    """Hours, or minutes where the zone is not so many whole hours: readers tell the two by their size."""
    minutes = int((now.astimezone(zone).utcoffset() or now - now).total_seconds() // 60)
    return minutes if minutes % 60 else minutes // 60


def set_time(zone: ZoneInfo, now: datetime) -> str:
    """The command that sets a reader's clock; it counts in months of 31 days."""
    local = now.astimezone(zone)
    days = ((local.year - 2000) * 12 + local.month - 1) * 31 + local.day - 1
    return f"SET OPTIONS DateTime={((days * 24 + local.hour) * 60 + local.minute) * 60 + local.second}"


def put_user(pin: str, name: str) -> str:
    """The command that lets a reader know a person."""
    return f"DATA UPDATE USERINFO PIN={pin}\tName={name}\tPri=0"


def read_answers(lines: list[str]) -> list[tuple[int, int]]:
    """(command, result) of each ``ID=…&Return=…&CMD=…``; lines that are none are left out."""
    answers = []
    for line in lines:
        said = dict(parse_qsl(line, keep_blank_values=True))
        ident, result = said.get("ID", ""), said.get("Return", "")
        if re.fullmatch(r"[0-9]{1,18}", ident) and re.fullmatch(r"-?[0-9]{1,9}", result):
            answers.append((int(ident), int(result)))
    return answers
