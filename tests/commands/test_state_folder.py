"""What a state folder remembers between starts, and who may use it."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

import pytest
from _campushub import keys, locks, ports, stamps
from _campushub.console import Problem
from _campushub.layout import State


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State.at(tmp_path / "var")
    state.prepare()
    return state


def test_keys_are_made_once_and_only_their_owner_reads_them(state: State) -> None:
    made = keys.load(state)
    assert keys.load(state) == made
    assert state.keys_file.stat().st_mode & 0o777 == 0o600
    name, _, key = made["encryption_keys"].partition(":")
    assert (name, len(base64.b64decode(key))) == ("k1", 32)
    assert len(set(made.values())) == len(made)


def test_a_port_stays_the_same_while_nobody_else_takes_it(state: State) -> None:
    first = ports.choose(state, "web")
    assert ports.FIRST <= first < ports.LAST
    assert ports.choose(state, "web") == first
    with socket.create_server(("127.0.0.1", first)):
        assert ports.choose(state, "web") != first


def test_the_parts_of_a_site_have_different_ports(state: State) -> None:
    names = ["postgres", "valkey", "web", "live"]
    assert len({ports.choose(state, name) for name in names}) == len(names)


def test_two_state_folders_have_different_ports(tmp_path: Path) -> None:
    folders = [State.at(tmp_path / name) for name in ("a", "b")]
    for folder in folders:
        folder.prepare()
    first, second = (ports.choose(folder, "web") for folder in folders)
    assert first != second


def test_one_site_at_a_time_holds_a_state_folder(state: State) -> None:
    with (
        locks.only_one(state, "bin/run"),
        pytest.raises(Problem, match=r"bin/run \(process \d+\) already runs"),
        locks.only_one(state, "bin/run"),
    ):
        pass
    with locks.only_one(state, "bin/run"):
        pass


def test_the_last_user_of_the_servers_knows_that_it_is_the_last(state: State) -> None:
    first, second = locks.Users(state), locks.Users(state)
    first.join()
    second.join()
    first.leave()
    assert not first.none()
    second.leave()
    assert second.none()


def test_a_stamp_is_fresh_until_a_file_changes(tmp_path: Path) -> None:
    file, stamp = tmp_path / "requirements.txt", tmp_path / "stamp"
    file.write_text("a==1")
    assert not stamps.fresh(stamp, stamps.of_files([file]))
    stamps.write(stamp, stamps.of_files([file]))
    assert stamps.fresh(stamp, stamps.of_files([file]))
    file.write_text("a==2")
    assert not stamps.fresh(stamp, stamps.of_files([file]))
