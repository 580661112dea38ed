"""What access and refresh tokens say, and everything that makes one worthless."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from core import clock, tokens
from core.tokens import ACCESS_LIFE, REFRESH_LIFE, AccessClaims, InvalidToken

FAMILY = UUID("0198c0de-0000-7000-8000-000000000001")


def access(now: datetime, **changes: Any) -> str:
    said: dict[str, Any] = {
        "user_id": 7,
        "school_id": 3,
        "role": "student",
        "student_id": 11,
        "family_id": FAMILY,
        "issued_at": now,
    }
    return tokens.encode_access(**(said | changes))


def resigned(now: datetime, *, kind: str = "at+jwt", algorithm: str = "HS256", **claims: Any) -> str:
    """A token that is signed with the right key, whatever it says."""
    said = {
        "sub": "7",
        "sch": 3,
        "rol": "student",
        "stu": 11,
        "fam": FAMILY.hex,
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 900,
    } | claims
    said = {name: value for name, value in said.items() if value is not ...}
    from django.conf import settings

    key = tokens._key("at+jwt", settings.SECRET_KEY)
    return jwt.encode(said, key, algorithm, headers={"typ": kind})


def test_access_token_says_who_asks(now: datetime) -> None:
    claims = tokens.verify_access(access(now), now=now)

    assert claims == AccessClaims(
        user_id=7,
        school_id=3,
        role="student",
        student_id=11,
        family_id=FAMILY,
        expires_at=now + ACCESS_LIFE,
    )


def test_access_token_of_an_operator_names_no_school(now: datetime) -> None:
    claims = tokens.verify_access(access(now, school_id=None, student_id=None, role="superuser"), now=now)

    assert (claims.school_id, claims.student_id) == (None, None)


def test_refresh_token_says_which_of_its_family_it_is(now: datetime) -> None:
    jti = uuid4()
    token = tokens.encode_refresh(user_id=7, family_id=FAMILY, jti=jti, issued_at=now)

    claims = tokens.verify_refresh(token, now=now)
    assert (claims.user_id, claims.family_id, claims.jti) == (7, FAMILY, jti)
    assert claims.expires_at == now + REFRESH_LIFE


def test_same_arguments_give_the_same_token(now: datetime) -> None:
    assert access(now) == access(now + timedelta(milliseconds=900))
    assert access(now) != access(now + timedelta(seconds=1))


def test_default_clock_is_the_one_clock(now: datetime) -> None:
    token = access(now)

    with clock.frozen(now + timedelta(minutes=14)):
        assert tokens.verify_access(token).user_id == 7
    with clock.frozen(now + timedelta(minutes=16)), pytest.raises(InvalidToken):
        tokens.verify_access(token)


@pytest.mark.parametrize(
    ("seconds", "good"), [(-31, False), (-30, True), (0, True), (899, True), (900, False), (10**9, False)]
)
def test_access_token_is_good_for_fifteen_minutes(now: datetime, seconds: int, good: bool) -> None:
    token, at = access(now), now + timedelta(seconds=seconds)

    if good:
        assert tokens.verify_access(token, now=at)
    else:
        with pytest.raises(InvalidToken):
            tokens.verify_access(token, now=at)


def test_neither_kind_passes_for_the_other(now: datetime) -> None:
    refresh = tokens.encode_refresh(user_id=7, family_id=FAMILY, jti=uuid4(), issued_at=now)

    with pytest.raises(InvalidToken):
        tokens.verify_access(refresh, now=now)
    with pytest.raises(InvalidToken):
        tokens.verify_refresh(access(now), now=now)


def test_another_secret_key_makes_all_tokens_worthless(now: datetime, settings: Any) -> None:
    token = access(now)
    settings.SECRET_KEY = "another-" + settings.SECRET_KEY

    with pytest.raises(InvalidToken):
        tokens.verify_access(token, now=now)


def test_every_changed_character_is_noticed(now: datetime) -> None:
    token = access(now)
    for place in range(len(token)):
        other = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(InvalidToken):
            tokens.verify_access(other, now=now)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_unsigned_and_differently_signed_tokens_are_refused(now: datetime) -> None:
    header, payload, _ = access(now).split(".")
    none = (
        base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt"}).encode()).decode().rstrip("=")
    )

    for token in (f"{none}.{payload}.", f"{header}.{payload}.", resigned(now, algorithm="HS384")):
        with pytest.raises(InvalidToken):
            tokens.verify_access(token, now=now)
    assert tokens.verify_access(resigned(now), now=now)


@pytest.mark.parametrize(
    "claims",
    [
        {"kind": "JWT"},
        {"kind": "rt+jwt"},
        {"sub": ...},
        {"sub": ""},
        {"sub": "7x"},
        {"sub": "-7"},
        {"sub": "٧"},
        {"exp": ...},
        {"exp": "never"},
        {"exp": 1e12},
        {"exp": True},
        {"iat": ...},
        {"iat": None},
        {"rol": ...},
        {"rol": 1},
        {"sch": "3"},
        {"sch": True},
        {"stu": 1.5},
        {"fam": ...},
        {"fam": 5},
        {"fam": "not-a-uuid"},
    ],
)
def test_signed_token_with_odd_claims_is_refused(now: datetime, claims: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify_access(resigned(now, **claims), now=now)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "null", "\x00", "é", "🎓" * 10, "A" * 3000, "[]..", "{}.{}.{}"]
)
def test_anything_else_is_refused(now: datetime, text: str) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify_access(text, now=now)
    with pytest.raises(InvalidToken):
        tokens.verify_refresh(text, now=now)


def test_pyjwt_reads_the_same(now: datetime, settings: Any) -> None:
    """The check of our own, and the library that follows the RFC, agree on what was signed."""
    token = access(now)
    key = tokens._key("at+jwt", settings.SECRET_KEY)
    read = jwt.decode_complete(token, key, algorithms=["HS256"], options={"verify_exp": False})

    assert read["header"] == {"alg": "HS256", "typ": "at+jwt"}
    assert read["payload"] == {
        "sub": "7",
        "sch": 3,
        "rol": "student",
        "stu": 11,
        "fam": FAMILY.hex,
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 900,
    }


def test_signed_text_that_is_no_object_is_refused(now: datetime, settings: Any) -> None:
    key = tokens._key("at+jwt", settings.SECRET_KEY)
    for text in (b"[]", b"null", b'"text"', b"{", b"\xff", b"", b"[" * 1000):
        token = jwt.PyJWS().encode(text, key, "HS256", headers={"typ": "at+jwt"})
        with pytest.raises(InvalidToken):
            tokens.verify_access(token, now=now)


def test_refusal_has_its_code() -> None:
    assert (InvalidToken.code, InvalidToken.status) == ("token_not_valid", 401)
