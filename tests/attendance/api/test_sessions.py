"""Classes through the API: lists, extra classes, changes, substitutes."""

from __future__ import annotations

from typing import Any

import pytest

from attendance.enums import SessionStatus
from attendance.models import Session, SessionOccupancy
from attendance.services.occupancy import place_session
from audit.models import AuditEntry
from tests.colleges import College, client_of, refusal
from tests.factories import FacultyFactory, RoomFactory, SectionFactory, SessionFactory, SlotFactory

pytestmark = pytest.mark.django_db

SESSIONS = "/api/v1/attendance/sessions/"


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def one(college: College, tail: str = "") -> str:
    return f"{SESSIONS}{college.session.pk}/{tail}"


def extra(college: College, **changes: Any) -> dict[str, Any]:
    return {
        "sections": [str(college.section.pk)],
        "faculty": [college.session.faculty.get().employee_no],
        "starts_at": "2026-11-05T16:00:00+05:30",
        "ends_at": "2026-11-05T17:00:00+05:30",
        **changes,
    }


def test_class_is_shown_in_the_time_of_its_school(college: College, settings: Any) -> None:
    answer = client_of(college.teacher).get(one(college))

    assert answer.status_code == 200
    shown = answer.json()
    teacher = college.session.faculty.get()
    assert shown["sections"] == [
        {
            "id": str(college.section.pk),
            "course": {"code": college.section.course.code, "title": college.section.course.title},
            "cohort": college.section.cohort.code,
            "name": "",
        }
    ]
    assert shown["faculty"] == [{"employee_no": teacher.employee_no, "name": teacher.user.full_name}]
    assert shown["substitute"] is None
    assert shown["room"] == college.session.room.code
    assert shown["held_on"] == "2026-11-03"
    assert shown["starts_at"] == "2026-11-03T09:00:00+05:30"
    assert shown["ends_at"] == "2026-11-03T09:50:00+05:30"
    assert shown["status"] == "scheduled"
    assert shown["counts"] == {"present": 0, "late": 0, "absent": 0, "excused": 0, "unmarked": 3}
    assert shown["capture_modes"] == ["qr", "manual"]
    assert shown["extra"] is True
    assert shown["stream_url"] == f"{settings.LIVE_URL}/live/sessions/{college.session.pk}/"


def test_students_see_their_class_without_the_counts_of_others(college: College) -> None:
    answer = client_of(college.students[0].user).get(one(college))

    assert answer.json()["counts"] is None


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("student", True),
        ("teacher", True),
        ("head", True),
        ("admin", True),
        ("integrator", True),
        ("other_teacher", False),
    ],
)
def test_everybody_lists_the_classes_that_are_theirs(
    college: College, elsewhere: College, who: str, seen: bool
) -> None:
    answer = client_of(college.user(who)).get(SESSIONS)

    assert ids(answer) == ([str(college.session.pk)] if seen else [])


def test_class_of_another_school_does_not_exist(college: College, elsewhere: College) -> None:
    answer = client_of(college.admin).get(one(elsewhere))

    assert refusal(answer) == (404, "not_found", None)


def test_class_of_ones_school_that_is_not_ones_own_is_forbidden(college: College) -> None:
    answer = client_of(college.other_teacher).get(one(college))

    assert refusal(answer) == (403, "permission_denied", None)


def test_operator_lists_every_school_or_the_one_they_name(
    college: College, elsewhere: College, operator: Any
) -> None:
    api = client_of(operator)

    assert len(ids(api.get(SESSIONS))) == 2
    assert ids(api.get(SESSIONS, {"school": college.school.code})) == [str(college.session.pk)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"from": "2026-11-03", "to": "2026-11-03"}, True),
        ({"from": "2026-11-04"}, False),
        ({"held_on": "2026-11-03"}, True),
        ({"status": ["open", "scheduled"]}, True),
        ({"status": "closed"}, False),
        ({"extra": "false"}, False),
    ],
)
def test_classes_are_filtered_by_day_and_state(college: College, query: dict[str, str], found: bool) -> None:
    assert bool(ids(client_of(college.admin).get(SESSIONS, query))) is found


def test_classes_are_filtered_by_what_they_are_made_of(college: College) -> None:
    SessionFactory()
    api = client_of(college.admin)
    own = [str(college.session.pk)]

    for query in (
        {"section": str(college.section.pk)},
        {"course": college.section.course.code.lower()},
        {"cohort": college.section.cohort.code},
        {"faculty": college.session.faculty.get().employee_no.lower()},
        {"room": college.session.room.code},
    ):
        assert ids(api.get(SESSIONS, query)) == own, query
    assert ids(api.get(SESSIONS, {"faculty": "NOBODY"})) == []


def test_substitute_is_found_under_the_faculty_filter_and_sees_the_class(college: College) -> None:
    stand_in = FacultyFactory(school=college.school)
    Session.objects.filter(pk=college.session.pk).update(substitute=stand_in)

    assert ids(client_of(college.admin).get(SESSIONS, {"faculty": stand_in.employee_no})) == [
        str(college.session.pk)
    ]
    assert client_of(stand_in.user).get(one(college)).json()["substitute"] == {
        "employee_no": stand_in.employee_no,
        "name": stand_in.user.full_name,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"teacher": "1"}, (400, "unknown_filter", "teacher")),
        ({"ordering": "room"}, (400, "unknown_ordering", "ordering")),
        ({"from": "yesterday"}, (400, "invalid", "from")),
        ({"section": "7"}, (400, "invalid", "section")),
        ({"status": "closing"}, (400, "invalid_choice", "status")),
        ({"extra": "maybe"}, (400, "invalid", "extra")),
        ({"faculty": "\0"}, (400, "null_characters_not_allowed", None)),
        ({"page": "0"}, (400, "invalid_page", "page")),
        ({"page_size": "201"}, (400, "invalid_page_size", "page_size")),
    ],
)
def test_filter_that_is_not_understood_is_refused(
    college: College, query: dict[str, str], expected: tuple[int, str, str | None]
) -> None:
    assert refusal(client_of(college.admin).get(SESSIONS, query)) == expected


@pytest.mark.parametrize("who", ["admin", "teacher", "head"])
def test_extra_class_is_planned_by_the_office_or_whoever_teaches_the_section(
    college: College, who: str
) -> None:
    room = RoomFactory(school=college.school)

    answer = client_of(college.user(who)).post(
        SESSIONS, extra(college, room=room.code.lower(), topic="Revision", capture_modes=["manual"])
    )

    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert (shown["status"], shown["extra"], shown["topic"]) == ("scheduled", True, "Revision")
    assert (shown["held_on"], shown["starts_at"]) == ("2026-11-05", "2026-11-05T16:00:00+05:30")
    assert (shown["room"], shown["capture_modes"]) == (room.code, ["manual"])
    session = Session.objects.get(pk=shown["id"])
    assert session.term == college.section.term
    assert AuditEntry.objects.get(action="session.create").object_id == shown["id"]
    assert set(SessionOccupancy.objects.filter(session=session).values_list("resource", flat=True)) == {
        f"room:{room.pk}",
        f"cohort:{college.section.cohort_id}",
        f"faculty:{college.session.faculty.get().pk}",
    }


def test_faculty_who_name_nobody_mean_themselves(college: College) -> None:
    body = extra(college)
    del body["faculty"]

    answer = client_of(college.teacher).post(SESSIONS, body)

    assert [who["name"] for who in answer.json()["faculty"]] == [college.teacher.full_name]
    assert refusal(client_of(college.admin).post(SESSIONS, body)) == (400, "invalid", "faculty")


def test_instant_without_offset_is_the_schools_time(college: College) -> None:
    body = extra(college, starts_at="2026-11-05T16:00:00", ends_at="2026-11-05T17:00")

    assert client_of(college.admin).post(SESSIONS, body).json()["starts_at"] == "2026-11-05T16:00:00+05:30"


@pytest.mark.parametrize("who", ["student", "integrator"])
def test_students_and_integrators_plan_nothing(college: College, who: str) -> None:
    assert refusal(client_of(college.user(who)).post(SESSIONS, {})) == (403, "permission_denied", None)


def test_faculty_plan_extra_classes_of_their_own_sections_only(college: College) -> None:
    assert refusal(client_of(college.other_teacher).post(SESSIONS, extra(college))) == (
        403,
        "permission_denied",
        None,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ends_at": "2026-11-05T16:00:00+05:30"}, ("invalid", "ends_at")),
        ({"ends_at": "2026-11-07T16:00:00+05:30"}, ("invalid", "ends_at")),
        (
            {"starts_at": "2025-11-05T16:00:00+05:30", "ends_at": "2025-11-05T17:00:00+05:30"},
            ("outside_term", "starts_at"),
        ),
        (
            {"starts_at": "9998-12-31T23:00:00Z", "ends_at": "9998-12-31T23:59:59Z"},
            ("invalid", "starts_at"),
        ),
        ({"ends_at": "9999-12-31T23:59:59Z"}, ("overflow", "ends_at")),
        ({"starts_at": "0001-01-01T00:00:00Z"}, ("invalid", "starts_at")),
        ({"starts_at": "tomorrow"}, ("invalid", "starts_at")),
        ({"starts_at": None}, ("null", "starts_at")),
        ({"sections": []}, ("empty", "sections")),
        ({"sections": "x"}, ("not_a_list", "sections")),
        ({"sections": [{}]}, ("invalid", "sections")),
        ({"sections": ["00000000-0000-7000-8000-000000000000"]}, ("does_not_exist", "sections")),
        ({"faculty": ["NOBODY"]}, ("does_not_exist", "faculty")),
        ({"faculty": [7]}, ("invalid", "faculty")),
        ({"room": "NOWHERE"}, ("does_not_exist", "room")),
        ({"topic": "x" * 201}, ("max_length", "topic")),
        ({"capture_modes": ["system"]}, ("invalid_choice", "capture_modes")),
        ({"capture_modes": []}, ("empty", "capture_modes")),
    ],
)
def test_extra_class_that_cannot_be_is_refused_and_nothing_saved(
    college: College, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    answer = client_of(college.admin).post(SESSIONS, extra(college, **changes))

    assert refusal(answer) == (400, *expected)
    assert Session.objects.count() == 1


def test_sections_and_people_of_another_school_do_not_exist(college: College, elsewhere: College) -> None:
    api = client_of(college.admin)

    foreign = extra(college, sections=[str(elsewhere.section.pk)])
    assert refusal(api.post(SESSIONS, foreign)) == (400, "does_not_exist", "sections")
    foreign = extra(college, faculty=[elsewhere.session.faculty.get().employee_no])
    assert refusal(api.post(SESSIONS, foreign)) == (400, "does_not_exist", "faculty")
    foreign = extra(college, room=elsewhere.session.room.code)
    assert refusal(api.post(SESSIONS, foreign)) == (400, "does_not_exist", "room")


def test_clash_names_the_other_class(college: College) -> None:
    answer = client_of(college.admin).post(
        SESSIONS,
        extra(college, starts_at="2026-11-03T09:30:00+05:30", ends_at="2026-11-03T10:30:00+05:30"),
    )

    assert refusal(answer)[:2] == (409, "faculty_conflict")
    (other,) = answer.json()["errors"][0]["meta"]["conflicts_with"]
    assert (other["kind"], other["id"]) == ("session", str(college.session.pk))
    assert college.section.course.title in other["label"]


def test_scheduled_class_is_moved_and_its_people_with_it(college: College, now: Any) -> None:
    room = RoomFactory(school=college.school)

    answer = client_of(college.teacher).patch(
        one(college),
        {"starts_at": "2026-11-04T11:00:00+05:30", "ends_at": "2026-11-04T12:00:00+05:30", "room": room.code},
    )

    assert answer.status_code == 200, answer.content
    assert (answer.json()["held_on"], answer.json()["room"]) == ("2026-11-04", room.code)
    held = SessionOccupancy.objects.filter(session=college.session)
    assert {row.during.lower.isoformat() for row in held} == {"2026-11-04T05:30:00+00:00"}
    entry = AuditEntry.objects.get(action="session.update")
    assert set(entry.after) == {"starts_at", "ends_at", "room"}


def test_class_of_the_timetable_stays_on_its_day(college: College) -> None:
    slot = SlotFactory(section=college.section)
    Session.objects.filter(pk=college.session.pk).update(slot=slot)

    answer = client_of(college.admin).patch(
        one(college),
        {"starts_at": "2026-11-04T11:00:00+05:30", "ends_at": "2026-11-04T12:00:00+05:30"},
    )

    assert refusal(answer) == (409, "day_is_fixed", "starts_at")


def test_class_under_way_changes_its_topic_only(college: College) -> None:
    Session.objects.filter(pk=college.session.pk).update(status=SessionStatus.OPEN)
    api = client_of(college.teacher)

    assert refusal(api.patch(one(college), {"room": None})) == (409, "session_not_scheduled", None)
    assert api.patch(one(college), {"topic": "Trees"}).json()["topic"] == "Trees"


def test_change_of_nothing_leaves_no_trace(college: College) -> None:
    assert client_of(college.admin).patch(one(college), {}).status_code == 200
    assert not AuditEntry.objects.filter(action="session.update").exists()


def test_moving_onto_another_class_is_refused(college: College) -> None:
    later = SessionFactory(
        section=college.section,
        teacher=college.session.faculty.get(),
        starts_at=college.session.ends_at,
    )

    answer = client_of(college.admin).patch(
        f"{SESSIONS}{later.pk}/", {"starts_at": "2026-11-03T09:10:00+05:30"}
    )

    assert refusal(answer)[:2] == (409, "faculty_conflict")
    later.refresh_from_db()
    assert later.starts_at == college.session.ends_at


def test_substitute_takes_the_place_of_the_faculty(college: College) -> None:
    place_session(college.session)
    stand_in = FacultyFactory(school=college.school)
    api = client_of(college.head)

    answer = api.post(one(college, "substitute/"), {"faculty": stand_in.employee_no.lower()})

    assert answer.json()["substitute"]["employee_no"] == stand_in.employee_no
    taken = SessionOccupancy.objects.filter(session=college.session).values_list("resource", flat=True)
    assert f"faculty:{stand_in.pk}" in taken
    assert f"faculty:{college.session.faculty.get().pk}" not in taken

    back = api.post(one(college, "substitute/"), {"faculty": None})
    assert back.json()["substitute"] is None
    assert AuditEntry.objects.filter(action="session.substitute").count() == 2


def test_substitute_who_teaches_elsewhere_then_is_refused(college: College) -> None:
    busy = FacultyFactory(school=college.school)
    other = SessionFactory(section=SectionFactory(school=college.school), teacher=busy)

    answer = client_of(college.admin).post(one(college, "substitute/"), {"faculty": busy.employee_no})

    assert refusal(answer)[:2] == (409, "faculty_conflict")
    assert answer.json()["errors"][0]["meta"]["conflicts_with"][0]["id"] == str(other.pk)


def test_faculty_of_the_class_cannot_stand_in_for_themselves(college: College) -> None:
    own = college.session.faculty.get().employee_no

    answer = client_of(college.admin).post(one(college, "substitute/"), {"faculty": own})

    assert refusal(answer) == (400, "invalid", "faculty")


@pytest.mark.parametrize("who", ["student", "other_teacher", "integrator"])
@pytest.mark.parametrize(
    "tail",
    [
        "open/",
        "close/",
        "reopen/",
        "confirm/",
        "lock/",
        "cancel/",
        "void/",
        "substitute/",
        "generate-qr/",
    ],
)
def test_nobody_else_runs_the_class(college: College, elsewhere: College, who: str, tail: str) -> None:
    api = client_of(college.user(who))

    assert refusal(api.post(one(college, tail), {})) == (403, "permission_denied", None)
    assert refusal(api.post(one(elsewhere, tail), {})) == (404, "not_found", None)


def test_nobody_who_is_not_signed_in_gets_anything(college: College) -> None:
    api = client_of(None)

    assert refusal(api.get(SESSIONS)) == (401, "not_authenticated", None)
    assert refusal(api.post(one(college, "open/"))) == (401, "not_authenticated", None)


def test_search_finds_a_combined_class_once(college: College) -> None:
    second = SectionFactory(school=college.school, course=college.section.course)
    college.session.sections.add(second)
    api = client_of(college.admin)

    assert ids(api.get(SESSIONS, {"search": college.section.course.title})) == [str(college.session.pk)]
    assert ids(api.get(SESSIONS, {"search": "nothing of the kind"})) == []


def test_classes_are_ordered_as_asked(college: College) -> None:
    later = SessionFactory(
        section=college.section,
        teacher=college.session.faculty.get(),
        starts_at=college.session.ends_at,
    )
    api = client_of(college.admin)
    first, second = str(college.session.pk), str(later.pk)

    assert ids(api.get(SESSIONS)) == [first, second]
    assert ids(api.get(SESSIONS, {"ordering": "-starts_at"})) == [second, first]
