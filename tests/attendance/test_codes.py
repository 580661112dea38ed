"""Codes and tickets by themselves: how long they are good, and that nobody can make or bend one."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.core import signing

from attendance import codes
from attendance.errors import CodeExpired, CodeInvalid, DeviceRequired

SESSION = uuid4()
DEVICE = codes.new_device()


def code(now: datetime, *, rotation: int = 15) -> codes.Code:
    return codes.code_at(session_id=SESSION, school_id=7, generation=3, rotation=rotation, now=now)


def seconds(number: int) -> timedelta:
    return timedelta(seconds=number)


class TestRotation:
    def test_a_code_is_shown_for_one_step_and_good_for_two(self, now: datetime) -> None:
        shown = code(now + seconds(4))
        assert shown.shown_until == now + seconds(15)
        assert shown.valid_until == now + seconds(30)
        codes.check_fresh(shown, now=now + seconds(29))
        with pytest.raises(CodeExpired):
            codes.check_fresh(shown, now=now + seconds(30))

    def test_the_clock_of_another_machine_may_be_a_step_ahead_and_no_more(self, now: datetime) -> None:
        codes.check_fresh(code(now + seconds(15)), now=now)
        with pytest.raises(CodeInvalid):
            codes.check_fresh(code(now + seconds(30)), now=now)

    def test_a_static_code_stays_the_same_and_never_grows_old(self, now: datetime) -> None:
        static = code(now, rotation=0)
        assert (static.shown_until, static.valid_until, static.step) == (None, None, 0)
        assert codes.encode(static) == codes.encode(code(now + timedelta(days=40), rotation=0))
        codes.check_fresh(static, now=now + timedelta(days=40))


class TestTokens:
    def test_what_is_encoded_comes_back_whole(self, now: datetime) -> None:
        shown = code(now)
        assert codes.decode(codes.encode(shown)) == shown

    def test_every_changed_byte_makes_it_invalid(self, now: datetime) -> None:
        raw = bytearray(_raw(codes.encode(code(now))))
        for place in range(len(raw)):
            raw[place] ^= 1
            with pytest.raises(CodeInvalid):
                codes.decode(_token(bytes(raw)))
            raw[place] ^= 1

    @pytest.mark.parametrize("token", ["", "A", "AAAA", "****", "x" * 4000, "é" * 20, "\0"])
    def test_what_is_no_token_is_invalid(self, token: str) -> None:
        with pytest.raises(CodeInvalid):
            codes.decode(token)

    def test_a_code_has_one_spelling(self, now: datetime) -> None:
        """Bits that base64 does not use would make a second token of the same code."""
        token = codes.encode(code(now))
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        others = [token[:-1] + letter for letter in alphabet if _raw(token[:-1] + letter) == _raw(token)]
        assert len(others) > 1
        for other in others:
            if other != token:
                with pytest.raises(CodeInvalid):
                    codes.decode(other)


class TestTickets:
    def test_a_ticket_is_for_its_browser_and_five_minutes(self, now: datetime) -> None:
        value = codes.issue_ticket(code(now), device=DEVICE, now=now)
        ticket = codes.read_ticket(value, device=DEVICE, now=now + timedelta(minutes=5))
        assert (ticket.session_id, ticket.school_id, ticket.generation) == (SESSION, 7, 3)
        assert ticket.opened_at == now
        for device in (None, codes.new_device()):
            with pytest.raises(DeviceRequired):
                codes.read_ticket(value, device=device, now=now)
        for at in (now + timedelta(minutes=5, seconds=1), now - seconds(1)):
            with pytest.raises(CodeExpired):
                codes.read_ticket(value, device=DEVICE, now=at)

    def test_two_tickets_of_one_code_are_two(self, now: datetime) -> None:
        nonces = {
            codes.read_ticket(
                codes.issue_ticket(code(now), device=DEVICE, now=now), device=DEVICE, now=now
            ).nonce
            for _ in range(2)
        }
        assert len(nonces) == 2

    def test_one_that_is_not_ours_is_invalid(self, now: datetime) -> None:
        value = codes.issue_ticket(code(now), device=DEVICE, now=now)
        elsewhere = signing.Signer(salt="another purpose").sign_object({"s": str(SESSION)})
        for other in ("", "x:y", value[:-1], value.swapcase(), elsewhere, codes.sign_device(DEVICE)):
            with pytest.raises(CodeInvalid):
                codes.read_ticket(other, device=DEVICE, now=now)

    @pytest.mark.parametrize("content", [{}, [], {"s": "no id"}, {"s": str(SESSION), "c": "x"}, 5])
    def test_one_of_an_older_make_is_invalid(self, now: datetime, content: object) -> None:
        """Signed by us, with other things in it: after an update of the site such cookies are still about."""
        value = signing.Signer(salt="campushub.attendance.ticket").sign_object(content)
        with pytest.raises(CodeInvalid):
            codes.read_ticket(value, device=DEVICE, now=now)


class TestDevices:
    def test_a_name_that_the_browser_made_up_is_none(self) -> None:
        assert codes.read_device(codes.sign_device(DEVICE)) == DEVICE
        for value in (None, "", DEVICE, codes.sign_device(DEVICE)[:-1]):
            assert codes.read_device(value) is None

    def test_a_record_tells_devices_apart_and_names_none(self) -> None:
        key = codes.device_key(DEVICE, kind="browser")
        assert key == codes.device_key(DEVICE, kind="browser")
        assert key != codes.device_key(DEVICE, kind="api")
        assert DEVICE not in key


def _raw(token: str) -> bytes:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def _token(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
