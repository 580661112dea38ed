"""How a person wants to be told of things."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts.models import User
from audit.services.entries import operation
from notifications import errors
from notifications.enums import Channel, Mode
from notifications.models import Preference
from notifications.selectors import choices_of

#: (kind, channel) → mode
Choices = Mapping[tuple[str, str], str]


@transaction.atomic
def choose(*, user: User, choices: Choices, by: User, now: datetime) -> int:
    """Keep what somebody chose; what is not named stays as it was. How many choices changed.

    What was told before keeps its way. Raises UnknownKind for what cannot reach this person, UnknownMode.
    """
    # The person's row stands for their choices: of two forms sent at once the later one holds.
    User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
    before = {(choice.kind.code, choice.channel.value): choice.mode for choice in choices_of(user)}
    for (kind, channel), mode in choices.items():
        if channel not in Channel.values or mode not in Mode.of(channel):
            raise errors.UnknownMode(mode=mode, channel=channel)
        if (kind, channel) not in before:
            raise errors.UnknownKind(kind=kind)
    changed = {pair: mode for pair, mode in choices.items() if before[pair] != mode}
    if not changed:
        return 0
    Preference.objects.bulk_create(
        [
            Preference(user=user, kind=kind, channel=channel, mode=mode)
            for (kind, channel), mode in changed.items()
        ],
        update_conflicts=True,
        unique_fields=["user", "kind", "channel"],
        update_fields=["mode"],
    )
    with operation(by=by, at=now) as op:
        op.record(
            "user.choose_notices",
            user,
            school_id=user.school_id,
            before={_name(pair): before[pair] for pair in changed},
            after={_name(pair): mode for pair, mode in changed.items()},
        )
    return len(changed)


def _name(pair: tuple[str, str]) -> str:
    return ".".join(pair)
