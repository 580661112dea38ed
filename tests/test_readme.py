"""The README's way from nothing to a class, line by line as it stands there."""

from __future__ import annotations

import io
import re
import shlex
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from academics.models import Faculty, Student
from accounts.models import User
from attendance.models import Session, TimetableSlot

HEADING = "## Hold a class with your own data"


def commands() -> list[list[str]]:
    """What follows ``bin/manage`` on each line of the section, as a shell would split it."""
    text = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"{re.escape(HEADING)}\n\n```sh\n(.*?)```", text, re.DOTALL)
    assert block is not None
    lines = [shlex.split(line, comments=True) for line in block[1].splitlines()]
    return [words[1:] for words in lines if words[0] == "bin/manage"]


@pytest.mark.django_db(transaction=True)
def test_a_newcomer_who_types_what_stands_there_has_a_college(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("students.csv", "faculty.csv", "timetable.csv"):
        shutil.copy(settings.BASE_DIR / "tests" / "data" / name, tmp_path)
    monkeypatch.chdir(tmp_path)

    for name, *arguments in commands():
        if name == "create_admin":
            monkeypatch.setattr("sys.stdin", io.StringIO("a-long-enough-password\n"))
            arguments.append("--password-stdin")
        if name == "issue_codes":
            # Hashes are slow on purpose: six will do.
            arguments.remove("--students")
        call_command(name, *arguments)

    assert (Student.objects.count(), Faculty.objects.count()) == (120, 6)
    assert User.objects.get(username="office").check_password("a-long-enough-password")
    assert TimetableSlot.objects.count() == 36
    # 36 classes a week; 24 November is a holiday.
    assert Session.objects.count() == 149
    assert len((tmp_path / "codes.csv").read_text(encoding="utf-8").splitlines()) == 1 + 6
