"""The registry of readers: keys, networks, numbers, commands, and those that nobody knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from attendance import errors
from attendance.models import BiometricDevice, DeviceCommand, DeviceEvent, DevicePin, UnknownDevice
from attendance.selectors.devices import by_key, by_serial, vouched_for
from attendance.services import device_calls, devices
from audit.models import AuditEntry
from core.errors import CrossSchool, Invalid, NotFound
from tests.attendance.readers import SERIAL, World
from tests.factories import RoomFactory, SchoolFactory, SectionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def register(world: World, **values: Any) -> devices.Registered:
    wanted = {"serial": "NEW-1", "kind": "face", **values}
    return devices.register(school=world.school, by=world.office, now=world.at(0), **wanted)


def test_a_key_is_kept_nowhere_and_finds_its_reader(world: World) -> None:
    rows = [*BiometricDevice.objects.values(), *AuditEntry.objects.values()]

    assert world.key not in str(rows)
    assert by_key(world.key) == world.device
    assert by_key(world.key[:-1]) is None


def test_another_key_makes_the_old_one_useless_at_once(world: World) -> None:
    new = devices.rotate_key(device=world.device, by=world.office, now=world.at(1))

    assert new.key != world.key
    assert by_key(world.key) is None
    assert by_key(new.key) == world.device


def test_a_reader_that_is_switched_off_is_nobody_and_what_it_told_stays(world: World) -> None:
    world.punch(0)

    devices.deactivate(device=world.device, by=world.office, now=world.at(1))

    assert by_key(world.key) is None
    assert DeviceEvent.objects.count() == 1


def test_a_serial_number_is_registered_once_in_all_schools(world: World) -> None:
    with pytest.raises(errors.DeviceExists):
        devices.register(school=SchoolFactory(), serial=SERIAL, kind="face", by=world.office, now=world.at(0))


@pytest.mark.parametrize(
    ("values", "attr"),
    [
        ({"serial": "no spaces"}, "serial"),
        ({"serial": ""}, "serial"),
        ({"kind": "retina"}, "kind"),
        ({"name": "x" * 101}, "name"),
        ({"allowed_networks": ["10.0.0.1/8"]}, "allowed_networks"),
        ({"allowed_networks": ["the office"]}, "allowed_networks"),
        ({"clock_offset": 90_000}, "clock_offset"),
    ],
)
def test_what_cannot_be_a_reader_is_refused_by_name(world: World, values: dict[str, Any], attr: str) -> None:
    with pytest.raises(Invalid) as refusal:
        register(world, **values)

    assert refusal.value.attr == attr


def test_a_room_of_another_school_is_refused(world: World) -> None:
    with pytest.raises(CrossSchool):
        register(world, room=RoomFactory(school=SchoolFactory()))


def test_a_stranger_is_remembered_and_accepted(world: World) -> None:
    for minute in (0, 5):
        device_calls.meet_unknown(serial="NEW-1", address="10.0.0.9", now=world.at(minute))
    stranger = UnknownDevice.objects.get()
    assert (stranger.count, stranger.first_seen_at, stranger.last_seen_at) == (2, world.at(0), world.at(5))

    made = devices.accept(school=world.school, serial="NEW-1", kind="rfid", by=world.office, now=world.at(6))

    assert by_serial("NEW-1") == made.device
    assert not UnknownDevice.objects.exists()


def test_only_who_has_called_can_be_accepted(world: World) -> None:
    with pytest.raises(NotFound):
        devices.accept(school=world.school, serial="NEW-1", kind="rfid", by=world.office, now=world.at(6))


def test_strangers_cannot_fill_the_table(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_calls, "MOST_UNKNOWN", 2)

    for number in range(4):
        device_calls.meet_unknown(serial=f"NEW-{number}", address="10.0.0.9", now=world.at(0))

    assert sorted(UnknownDevice.objects.values_list("serial", flat=True)) == ["NEW-0", "NEW-1"]


@pytest.mark.parametrize(
    ("networks", "address", "known"),
    [
        (["10.20.0.0/16"], "10.20.3.4", True),
        (["10.20.0.0/16"], "10.21.3.4", False),
        (["10.20.0.0/16", "fd00::/8"], "fd00::1", True),
        (["10.20.0.0/16"], "::ffff:10.20.3.4", True),
        ([], "10.20.3.4", False),
        (["10.20.0.0/16"], None, False),
    ],
)
def test_a_serial_number_is_believed_from_an_allowed_network_only(
    world: World, networks: list[str], address: str | None, known: bool
) -> None:
    device = devices.update(
        device=world.device, changes={"allowed_networks": networks}, by=world.office, now=world.at(0)
    )

    assert vouched_for(device, address=address, key=None) is known


def test_the_key_of_another_reader_vouches_for_nobody(world: World) -> None:
    _device, key = world.reader("OTHER-1")

    assert vouched_for(world.device, address="127.0.0.1", key=key) is False
    assert vouched_for(world.device, address="192.0.2.1", key=world.key) is True


def test_a_number_is_given_to_another_student_or_to_nobody(world: World) -> None:
    first, second, _third = world.students

    outcome = devices.assign_pins(
        device=world.device,
        pins=[devices.Pin("1", second), devices.Pin("2", second), devices.Pin("3", None)],
        by=world.office,
        now=world.at(0),
    )

    assert outcome.changed == 2
    assert dict(DevicePin.objects.values_list("pin", "student")) == {"1": second.pk, "2": second.pk}
    assert first.device_pins.count() == 0


@pytest.mark.parametrize("pins", [["1", "1"], ["a b"], [""], ["1" * 25], ["१"]])
def test_what_is_no_number_of_a_reader_is_refused(world: World, pins: list[str]) -> None:
    with pytest.raises(Invalid):
        devices.assign_pins(
            device=world.device,
            pins=[devices.Pin(pin, None) for pin in pins],
            by=world.office,
            now=world.at(0),
        )


def test_a_student_of_another_school_is_no_ones_number(world: World) -> None:
    stranger = SectionFactory(students=1).enrollments.get().student

    with pytest.raises(CrossSchool):
        devices.assign_pins(
            device=world.device, pins=[devices.Pin("9", stranger)], by=world.office, now=world.at(0)
        )


# -- commands -----------------------------------------------------------------------------------------------------


def test_a_command_is_fetched_once_answered_once_and_fetched_again_when_no_answer_comes(world: World) -> None:
    devices.push_users(device=world.device, by=world.office, now=world.at(0))

    fetched = device_calls.fetch_commands(device=world.device, now=world.at(1))
    assert [text.split("\t")[0] for _ident, text in fetched] == [
        f"DATA UPDATE USERINFO PIN={pin}" for pin in "123"
    ]
    assert device_calls.fetch_commands(device=world.device, now=world.at(2)) == []
    answered = [(fetched[0][0], 0), (fetched[1][0], -1)]
    assert device_calls.take_answers(device=world.device, answers=answered, now=world.at(3)) == 2
    assert device_calls.take_answers(device=world.device, answers=answered, now=world.at(4)) == 0

    assert device_calls.fetch_commands(device=world.device, now=world.at(11)) == [fetched[2]]
    assert list(DeviceCommand.objects.order_by("pk").values_list("result", flat=True)) == [0, -1, None]


def test_no_name_goes_to_a_reader(world: World) -> None:
    devices.push_users(device=world.device, by=world.office, now=world.at(0))

    texts = " ".join(DeviceCommand.objects.values_list("text", flat=True))

    assert world.students[0].enrollment_no in texts
    assert world.students[0].user.full_name not in texts


def test_a_clock_is_set_to_the_time_at_which_the_command_is_fetched_and_is_right_from_then_on(
    world: World,
) -> None:
    device = devices.update(
        device=world.device, changes={"clock_offset": 300}, by=world.office, now=world.at(0)
    )
    command = devices.set_clock(device=device, by=world.office, now=world.at(0))

    fetched = device_calls.fetch_commands(device=device, now=world.at(5))
    # 3 November 2026, 09:05 in India, in months of 31 days since 2000.
    days = (26 * 12 + 10) * 31 + 2
    assert fetched == [(command.pk, f"SET OPTIONS DateTime={days * 86400 + 9 * 3600 + 5 * 60}")]
    device_calls.take_answers(device=device, answers=[(command.pk, 0)], now=world.at(5))

    world.device.refresh_from_db()
    assert world.device.clock_offset == 0


def test_the_answer_of_another_reader_answers_nothing(world: World) -> None:
    command = devices.set_clock(device=world.device, by=world.office, now=world.at(0))
    device_calls.fetch_commands(device=world.device, now=world.at(0))
    other, _key = world.reader("OTHER-1")

    assert device_calls.take_answers(device=other, answers=[(command.pk, 0)], now=world.at(1)) == 0


def test_a_reader_that_is_switched_off_gets_no_commands(world: World) -> None:
    device = devices.deactivate(device=world.device, by=world.office, now=world.at(0))

    with pytest.raises(errors.DeviceInactive):
        devices.set_clock(device=device, by=world.office, now=world.at(0) + timedelta(minutes=1))
