"""Families of refresh tokens: one good token each, ten seconds of patience, and no mercy for an old one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.errors import TokenInvalid, TokenReused
from accounts.models import RefreshFamily, User
from accounts.services import tokens
from accounts.services.tokens import TokenPair
from audit.models import AuditEntry
from core.tokens import InvalidToken, verify_access, verify_refresh
from tests.factories import StudentFactory, UserFactory
from tests.races import queue_up, together

pytestmark = pytest.mark.django_db


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@pytest.fixture
def user() -> User:
    return UserFactory()


@pytest.fixture
def first(user: User, now: datetime) -> TokenPair:
    return tokens.issue(user=user, user_agent="tests", now=now)


def family() -> RefreshFamily:
    return RefreshFamily.objects.get()


def test_access_token_of_a_student_knows_the_student(now: datetime) -> None:
    student = StudentFactory()
    claims = verify_access(tokens.issue(user=student.user, now=now).access, now=now)

    assert (claims.user_id, claims.school_id, claims.role) == (student.user_id, student.school_id, "student")
    assert claims.student_id == student.pk
    assert claims.family_id == family().pk


def test_each_refresh_gives_a_successor_and_a_new_week(first: TokenPair, now: datetime) -> None:
    later = now + timedelta(days=6)
    second = tokens.rotate(refresh=first.refresh, now=later)

    assert second.refresh != first.refresh
    assert verify_access(second.access, now=later).family_id == family().pk
    assert verify_refresh(second.refresh, now=later).expires_at == later + timedelta(days=7)
    assert tokens.rotate(refresh=second.refresh, now=later + timedelta(days=6))


@pytest.mark.parametrize("wait", [0, 3, 10])
def test_same_token_within_ten_seconds_gets_the_very_same_answer(
    first: TokenPair, now: datetime, wait: float
) -> None:
    at = now + seconds(60)
    second = tokens.rotate(refresh=first.refresh, now=at)

    assert tokens.rotate(refresh=first.refresh, now=at + seconds(wait)) == second
    assert tokens.rotate(refresh=second.refresh, now=at + seconds(30)) != second


def test_old_token_after_ten_seconds_ends_the_family(first: TokenPair, user: User, now: datetime) -> None:
    at = now + seconds(60)
    second = tokens.rotate(refresh=first.refresh, now=at)

    with pytest.raises(TokenReused) as refusal:
        tokens.rotate(refresh=first.refresh, now=at + seconds(10.001))
    assert (refusal.value.code, refusal.value.status) == ("token_reused", 401)
    with pytest.raises(TokenInvalid):
        tokens.rotate(refresh=second.refresh, now=at + seconds(11))
    assert family().revoke_reason == "reused"
    entry = AuditEntry.objects.get(action="sign_in.end")
    assert (entry.object_type, entry.object_id) == ("refreshfamily", str(family().pk))
    assert (entry.actor_id, entry.actor_kind, entry.school_id) == (None, "system", user.school_id)
    assert entry.after == {"via": "api", "revoke_reason": "reused"}


def test_token_two_generations_old_ends_the_family_at_once(first: TokenPair, now: datetime) -> None:
    second = tokens.rotate(refresh=first.refresh, now=now)
    third = tokens.rotate(refresh=second.refresh, now=now + seconds(1))

    assert tokens.rotate(refresh=second.refresh, now=now + seconds(2)) == third
    with pytest.raises(TokenReused):
        tokens.rotate(refresh=first.refresh, now=now + seconds(3))
    with pytest.raises(TokenInvalid):
        tokens.rotate(refresh=third.refresh, now=now + seconds(3))


def test_reuse_ends_one_sign_in_and_leaves_the_others(first: TokenPair, user: User, now: datetime) -> None:
    elsewhere = tokens.issue(user=user, now=now)
    tokens.rotate(refresh=first.refresh, now=now)
    with pytest.raises(TokenReused):
        tokens.rotate(refresh=first.refresh, now=now + seconds(11))

    assert tokens.rotate(refresh=elsewhere.refresh, now=now + seconds(12))


def test_refresh_token_is_good_for_seven_days(first: TokenPair, now: datetime) -> None:
    with pytest.raises(InvalidToken):
        tokens.rotate(refresh=first.refresh, now=now + timedelta(days=7))
    assert tokens.rotate(refresh=first.refresh, now=now + timedelta(days=7) - seconds(1))


@pytest.mark.parametrize("what", ["person", "school"])
def test_switched_off_person_or_school_gets_no_more_tokens(
    first: TokenPair, user: User, now: datetime, what: str
) -> None:
    target: Any = user if what == "person" else user.school
    target.is_active = False
    target.save()

    with pytest.raises(TokenInvalid):
        tokens.rotate(refresh=first.refresh, now=now)


def test_token_of_a_vanished_family_is_refused(first: TokenPair, now: datetime) -> None:
    RefreshFamily.objects.all().delete()

    for act in (tokens.rotate, tokens.revoke, tokens.revoke_everywhere):
        with pytest.raises(TokenInvalid):
            act(refresh=first.refresh, now=now)


def test_rotating_costs_the_same_few_queries(
    first: TokenPair, now: datetime, django_assert_max_num_queries: Any
) -> None:
    # Savepoint, lock with user and school, update, student, release.
    with django_assert_max_num_queries(6):
        second = tokens.rotate(refresh=first.refresh, now=now)
    assert second.refresh != first.refresh


# --- signing out -------------------------------------------------------------------------------------------


def test_signing_out_ends_the_sign_in_and_may_be_repeated(
    first: TokenPair, user: User, now: datetime
) -> None:
    elsewhere = tokens.issue(user=user, now=now)
    tokens.revoke(refresh=first.refresh, now=now)
    tokens.revoke(refresh=first.refresh, now=now)

    with pytest.raises(TokenInvalid):
        tokens.rotate(refresh=first.refresh, now=now)
    assert tokens.rotate(refresh=elsewhere.refresh, now=now)
    entry = AuditEntry.objects.get(action="sign_in.end")
    assert (entry.actor_id, entry.actor_kind) == (user.pk, "user")


def test_signing_out_everywhere_ends_all_of_ones_own(first: TokenPair, user: User, now: datetime) -> None:
    mine, other = tokens.issue(user=user, now=now), tokens.issue(user=UserFactory(), now=now)

    assert tokens.revoke_everywhere(refresh=first.refresh, now=now) == 2

    for gone in (first, mine):
        with pytest.raises(TokenInvalid):
            tokens.rotate(refresh=gone.refresh, now=now)
    assert tokens.rotate(refresh=other.refresh, now=now)
    ends = AuditEntry.objects.filter(action="sign_in.end")
    assert ends.count() == 2
    assert ends.values("operation_id").distinct().count() == 1


def test_used_up_token_cannot_sign_out_everywhere(first: TokenPair, now: datetime) -> None:
    tokens.rotate(refresh=first.refresh, now=now)

    with pytest.raises(TokenInvalid):
        tokens.revoke_everywhere(refresh=first.refresh, now=now)
    assert family().revoked_at is None


def test_office_ends_all_sign_ins_of_a_person(first: TokenPair, user: User, now: datetime) -> None:
    office = UserFactory(school=user.school)

    assert tokens.revoke_all(user=user, by=office, reason="by_office", now=now) == 1
    assert tokens.revoke_all(user=user, by=office, reason="by_office", now=now) == 0
    assert AuditEntry.objects.get(action="sign_in.end").actor_id == office.pk
    assert family().revoke_reason == "by_office"


def test_end_of_a_family_cannot_be_lost_to_a_refusal(first: TokenPair, now: datetime) -> None:
    tokens.rotate(refresh=first.refresh, now=now)
    with pytest.raises(TokenReused):
        tokens.rotate(refresh=first.refresh, now=now + seconds(11))

    assert family().revoked_at == now + seconds(11)


# --- races -------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_tabs_that_refresh_at_the_same_moment_get_the_same_successor(now: datetime) -> None:
    """Without the row lock they would each get another one, and only the last written would be good."""
    refresh = tokens.issue(user=UserFactory(), now=now).refresh
    for turn in range(5):
        at = now + seconds(60 * turn)
        # Bound here: the threads run before the next turn.
        answers = together(6, lambda _, refresh=refresh, at=at: tokens.rotate(refresh=refresh, now=at))

        assert len({answer.refresh for answer in answers}) == 1, answers
        refresh = answers[0].refresh
    assert family().revoked_at is None


@pytest.mark.django_db(transaction=True)
def test_refresh_that_races_signing_out_never_revives_the_sign_in(now: datetime) -> None:
    for _ in range(5):
        refresh = tokens.issue(user=UserFactory(), now=now).refresh
        together(
            4,
            lambda index, refresh=refresh: (tokens.revoke if index % 2 else tokens.rotate)(
                refresh=refresh, now=now
            ),
        )
    assert not RefreshFamily.objects.filter(revoked_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_who_signs_out_everywhere_twice_at_once_ends_each_sign_in_once(now: datetime) -> None:
    user = UserFactory()
    tokens.issue(user=user, now=now)
    tokens.issue(user=user, now=now)

    counts = queue_up(
        3,
        lambda _i: tokens.revoke_all(user=user, by=user, reason="everywhere", now=now),
        behind="SELECT 1 FROM accounts_refresh_family FOR NO KEY UPDATE",
    )

    assert sorted(counts) == [0, 0, 2]
    assert AuditEntry.objects.filter(action="sign_in.end").count() == 2


# --- forgetting --------------------------------------------------------------------------------------------


def test_sign_ins_are_forgotten_a_month_after_their_last_token(first: TokenPair, now: datetime) -> None:
    end = now + timedelta(days=37)

    assert tokens.forget(now=end) == 0
    assert tokens.forget(now=end + seconds(1)) == 1
    assert not RefreshFamily.objects.exists()
    assert AuditEntry.objects.filter(action="sign_in.start").exists()
