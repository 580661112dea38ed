"""Commands about people, as somebody at a terminal meets them: answers, refusals in one sentence, exit status."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command

from accounts.enums import Role
from accounts.models import School, User
from audit.models import AuditEntry
from tests.factories import PASSWORD, FacultyFactory, SchoolFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db

GOOD = "tall-river-orchid-42"


@pytest.fixture
def school() -> School:
    return SchoolFactory(code="gvec", name="GVEC")


def run(command: str, *arguments: str) -> tuple[str, str]:
    """What the command says on standard output and on standard error."""
    output, errors = io.StringIO(), io.StringIO()
    call_command(command, *arguments, stdout=output, stderr=errors)
    return output.getvalue(), errors.getvalue()


def refusal(command: str, *arguments: str) -> str:
    with pytest.raises(CommandError) as refused:
        run(command, *arguments)
    return str(refused.value)


class TestWhichSchool:
    def test_needs_no_saying_where_there_is_only_one(self, school: School) -> None:
        assert run("create_term", "Odd", "2026-11-02", "2027-03-27")[0] == "Odd: 2026-11-02 to 2027-03-27.\n"
        assert school.terms.count() == 1

    def test_is_found_in_any_letter_case(self, school: School) -> None:
        other = SchoolFactory(code="vitam")
        run("create_term", "Odd", "2026-11-02", "2027-03-27", "--school", " VITAM ")
        assert other.terms.count() == 1
        assert school.terms.count() == 0

    def test_must_be_said_where_there_are_several(self, school: School) -> None:
        SchoolFactory(code="vitam")
        told = refusal("create_term", "Odd", "2026-11-02", "2027-03-27")
        assert told == "Which school? Give --school CODE. Known: gvec, vitam."

    def test_that_does_not_exist_is_told_with_those_that_do(self, school: School) -> None:
        told = refusal("create_term", "Odd", "2026-11-02", "2027-03-27", "--school", "none")
        assert told == "There is no school “none”. Known: gvec."

    def test_before_there_is_one_the_way_to_begin_is_shown(self) -> None:
        assert "create_school" in refusal("create_term", "Odd", "2026-11-02", "2027-03-27")
        told = refusal("create_term", "Odd", "2026-11-02", "2027-03-27", "--school", "gvec")
        assert told == "There is no school “gvec”. Known: none."


class TestCreateTerm:
    def test_answers_machines_in_json(self, school: School) -> None:
        answer = json.loads(run("create_term", "Odd", "2026-11-02", "2027-03-27", "--json")[0])
        term = school.terms.get()
        assert answer == {"id": term.pk, "name": "Odd", "from": "2026-11-02", "to": "2027-03-27"}

    def test_a_refusal_of_the_service_is_one_sentence_with_its_code(self, school: School) -> None:
        run("create_term", "Odd", "2026-11-02", "2027-03-27")
        assert refusal("create_term", "Even", "2027-03-27", "2027-06-30").endswith("(term_overlap)")

    def test_a_day_that_does_not_exist_is_refused(self, school: School) -> None:
        assert "2026-02-30" in refusal("create_term", "Odd", "2026-02-30", "2027-03-27")


class TestCreateSchool:
    def test_makes_a_school_with_its_rules_and_says_what_comes_next(self) -> None:
        told, _ = run("create_school", "GVEC", "Godavari College", "--subdivision", "ap")
        made = School.objects.get()
        assert (made.country, made.subdivision) == ("IN", "AP")
        assert made.attendance_configuration.attendance_threshold_percent == 75
        assert told.startswith("Godavari College (GVEC) is there. Next: a term")

    def test_answers_machines_in_json(self) -> None:
        answer = json.loads(run("create_school", "GVEC", "Godavari College", "--json")[0])
        assert answer == {
            "id": School.objects.get().pk,
            "code": "GVEC",
            "name": "Godavari College",
            "timezone": "Asia/Kolkata",
        }

    @pytest.mark.parametrize(
        "arguments", [["bad code", "X"], ["X", "Y", "--timezone", "Mars/Base"], ["", "Y"], ["X", ""]]
    )
    def test_refuses_what_no_school_can_have(self, arguments: list[str]) -> None:
        assert refusal("create_school", *arguments)
        assert not School.objects.exists()

    def test_a_code_is_taken_whatever_its_letter_case(self, school: School) -> None:
        assert refusal("create_school", "GVEC", "Another")
        assert School.objects.count() == 1


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``typed("a", "b")``: what somebody answers to the questions for a password, one after the other."""

    def answer(*words: str) -> None:
        told = iter(words)
        monkeypatch.setattr("getpass.getpass", lambda prompt: next(told))

    return answer


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


class TestCreateAdmin:
    def test_makes_an_administrator_who_can_sign_in(
        self, school: School, typed: Callable[..., None], client: Any
    ) -> None:
        typed(GOOD, GOOD)
        told, _ = run("create_admin", "Office", "--name", "Asha Rao", "--email", "office@example.edu")

        user = User.objects.get()
        assert (user.username, user.role, user.school, user.full_name) == (
            "office",
            "admin",
            school,
            "Asha Rao",
        )
        assert not user.is_superuser
        assert told == "office administers GVEC and can sign in now.\n"
        assert client.post("/login/", {"username": "office", "password": GOOD}).status_code == 302
        entry = AuditEntry.objects.get(action="user.create")
        assert (entry.actor_kind, entry.school_id) == ("system", school.pk)
        assert GOOD not in json.dumps(entry.after)

    def test_makes_an_operator_of_every_school(self, school: School, piped: Callable[[str], None]) -> None:
        piped(f"{GOOD}\nnot read\n")
        told, _ = run("create_admin", "root", "--superuser", "--password-stdin")

        user = User.objects.get()
        assert (user.role, user.school, user.is_superuser) == (Role.SUPERUSER, None, True)
        assert user.check_password(GOOD)
        assert told == "root operates every school and can sign in now.\n"

    def test_answers_machines_in_json(self, school: School, piped: Callable[[str], None]) -> None:
        piped(GOOD)
        told, _ = run("create_admin", "office", "--password-stdin", "--json")
        assert json.loads(told) == {"username": "office", "role": "admin", "school": "gvec"}

    def test_two_different_passwords_make_nobody(self, school: School, typed: Callable[..., None]) -> None:
        typed(GOOD, GOOD + "x")
        assert refusal("create_admin", "office") == "The two were not the same."
        assert not User.objects.exists()

    @pytest.mark.parametrize(
        ("username", "password", "email", "code"),
        [
            ("office", "12345678", "", "invalid"),
            ("office", "", "", "invalid"),
            ("asha-the-office", "asha-the-office", "", "invalid"),
            ("", GOOD, "", "invalid"),
            ("two words", GOOD, "", "invalid"),
            ("a" * 151, GOOD, "", "invalid"),
            ("office", GOOD, "nobody", "invalid"),
        ],
    )
    def test_weak_passwords_and_impossible_values_make_nobody(
        self,
        school: School,
        piped: Callable[[str], None],
        username: str,
        password: str,
        email: str,
        code: str,
    ) -> None:
        piped(password)
        told = refusal("create_admin", username, "--email", email, "--password-stdin")
        assert told.endswith(f"({code})")
        assert not password or password not in told
        assert not User.objects.exists()

    def test_a_name_is_taken_whatever_its_letter_case(
        self, school: School, piped: Callable[[str], None]
    ) -> None:
        UserFactory(school=school, username="office")
        piped(GOOD)
        assert refusal("create_admin", " OFFICE ", "--password-stdin").endswith("(username_taken)")
        assert User.objects.count() == 1


@pytest.fixture
def people(school: School) -> Iterator[list[User]]:
    """Two students and a lecturer who came in by a roster, in the order of their user names."""
    made = [
        FacultyFactory(school=school, employee_no="F1").user,
        StudentFactory(school=school, enrollment_no="S1").user,
        StudentFactory(school=school, enrollment_no="S2").user,
    ]
    for user in made:
        user.set_unusable_password()
        user.save()
    return made


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


class TestIssueCodes:
    def test_gives_those_without_a_password_one_that_signs_in(self, people: list[User], client: Any) -> None:
        told, said = run("issue_codes", "--students")

        header, *rows = table(told)
        assert header == ["user name", "name", "password"]
        assert [row[:2] for row in rows] == [[user.username, user.full_name] for user in people[1:]]
        assert said.endswith("2 can sign in now.\n")
        for username, _name, code in rows:
            answer = client.post("/login/", {"username": username, "password": code})
            assert answer.status_code == 302
            client.logout()
        people[0].refresh_from_db()
        assert not people[0].has_usable_password()

    def test_the_trail_names_whose_password_was_set_and_not_what_it_is(self, people: list[User]) -> None:
        rows = table(run("issue_codes", "--students", "--faculty")[0])[1:]

        entries = AuditEntry.objects.filter(action="user.issue_code")
        assert {entry.object_id for entry in entries} == {str(user.pk) for user in people}
        assert len({entry.operation_id for entry in entries}) == 1
        told = json.dumps([[entry.before, entry.after, entry.reason] for entry in entries])
        assert not any(code in told for _, _, code in rows)

    def test_leaves_everybody_who_has_a_password_as_they_are(self, people: list[User]) -> None:
        run("issue_codes", "--faculty")
        people[0].refresh_from_db()
        before = people[0].password

        told, said = run("issue_codes", "--faculty")

        people[0].refresh_from_db()
        assert (told, people[0].password) == ("", before)
        assert said == "Nobody to give a password to: those who were asked for have one.\n"

    def test_people_who_are_named_get_a_new_one(self, people: list[User]) -> None:
        (first,) = table(run("issue_codes", "--numbers", "s1")[0])[1:]
        (again,) = json.loads(run("issue_codes", "--numbers", "S1", "--json")[0])

        people[1].refresh_from_db()
        assert again["username"] == "s1@gvec"
        assert people[1].check_password(again["code"])
        assert not people[1].check_password(first[2])

    def test_a_number_nobody_has_stops_it_before_anybody_gets_one(self, people: list[User]) -> None:
        assert refusal("issue_codes", "--numbers", "S1", "S99") == "Nobody signs in as s99@gvec."
        people[1].refresh_from_db()
        assert not people[1].has_usable_password()

    def test_people_who_are_switched_off_get_none(self, people: list[User]) -> None:
        User.objects.filter(pk=people[1].pk).update(is_active=False)
        assert [row[0] for row in table(run("issue_codes", "--students")[0])[1:]] == ["s2@gvec"]

    def test_people_of_another_school_and_the_office_get_none(
        self, people: list[User], school: School
    ) -> None:
        stranger = StudentFactory(school=SchoolFactory(code="vitam"), enrollment_no="S1").user
        UserFactory(school=school, username="office@gvec")
        told, _ = run("issue_codes", "--numbers", "S1", "--school", "gvec")
        assert [row[0] for row in table(told)[1:]] == ["s1@gvec"]
        stranger.refresh_from_db()
        assert stranger.check_password(PASSWORD)
        assert refusal("issue_codes", "--numbers", "office", "--school", "gvec").startswith("Nobody signs in")

    def test_for_whom_must_be_said(self, people: list[User]) -> None:
        assert refusal("issue_codes").startswith("Say for whom")

    def test_a_file_is_readable_for_its_owner_alone_and_never_written_over(
        self, people: list[User], tmp_path: Path
    ) -> None:
        path = tmp_path / "codes.csv"
        told, _ = run("issue_codes", "--students", "--output", str(path))

        assert told == ""
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        written = path.read_bytes()
        assert written.startswith(b"\xef\xbb\xbf")  # or spreadsheet programs take it for Latin-1
        assert [row[0] for row in table(written.decode("utf-8-sig"))[1:]] == ["s1@gvec", "s2@gvec"]
        again = refusal("issue_codes", "--faculty", "--output", str(path))
        assert again == f"{path} cannot be made: File exists."
        assert path.read_bytes() == written
        people[0].refresh_from_db()
        assert not people[0].has_usable_password()

    def test_a_name_that_a_spreadsheet_would_compute_is_text(self, people: list[User]) -> None:
        User.objects.filter(pk=people[1].pk).update(full_name="=HYPERLINK(1)")
        assert table(run("issue_codes", "--numbers", "S1")[0])[1][1] == "'=HYPERLINK(1)"

    def test_a_large_school_hears_how_far_it_got(self, school: School, settings: Any) -> None:
        settings.PASSWORD_HASHERS = [
            "django.contrib.auth.hashers.MD5PasswordHasher"
        ]  # 500 slow ones take a minute
        none = make_password(None)
        User.objects.bulk_create(
            User(username=f"s{number:03}@gvec", school=school, role=Role.STUDENT, password=none)
            for number in range(501)
        )

        told, said = run("issue_codes", "--students")

        rows = table(told)[1:]
        assert len({code for _, _, code in rows}) == 501
        assert said.splitlines() == ["Making 501 passwords …", "500 of 501 …", "501 can sign in now."]
        assert not User.objects.filter(password__startswith="!").exists()
