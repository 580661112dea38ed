"""The words that people agree to, for each purpose, in every version there has been.

A consent keeps the version it was given to. Whoever changes the meaning of a text adds a version at the end and
leaves the others: what somebody agreed to can then still be read. A mended translation is no new version.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.enums import ConsentPurpose, Role


@dataclass(frozen=True, slots=True)
class ConsentText:
    """`agreed`: what one agrees to; `withdrawing`: what happens when one takes it back."""

    version: str
    agreed: str | Promise
    withdrawing: str | Promise


#: By purpose, the version in force last.
TEXTS: dict[str, tuple[ConsentText, ...]] = {
    ConsentPurpose.BIOMETRIC: (
        ConsentText(
            "1",
            _(
                "The school keeps templates of my fingerprints or my face, or the number of my card, encrypted, and "
                "its readers compare me with them to mark my attendance. They are used for nothing else and "
                "given to nobody."
            ),
            _(
                "Your fingerprint, face and card templates are removed at once. Your attendance history stays; from "
                "then on you are marked by the code on the screen or by your teacher."
            ),
        ),
    ),
    ConsentPurpose.PHOTO: (
        ConsentText(
            "1",
            _(
                "The school may show my photograph beside my name to those who teach me or work with me, so that they "
                "recognise me."
            ),
            _("Your photograph is not shown any more. Your name and number stay where they were."),
        ),
    ),
    ConsentPurpose.DIRECTORY: (
        ConsentText(
            "1",
            _(
                "People of my school may find my name, department and school e-mail address in its directory. My phone "
                "number, date of birth and guardian are never part of it."
            ),
            _(
                "You are not found in the directory any more. Those who teach you still see you in their classes."
            ),
        ),
    ),
    ConsentPurpose.MESSAGING: (
        ConsentText(
            "1",
            _(
                "The school may send me messages beyond what it has to tell me, such as news of events, by e-mail or "
                "in CampusHub."
            ),
            _(
                "You get no such messages any more. What the school has to tell you, such as an answer to your leave, "
                "still reaches you."
            ),
        ),
    ),
    ConsentPurpose.LEADERBOARD: (
        ConsentText(
            "1",
            _("My name may stand beside my points on the leaderboards of my school."),
            _("You appear as “A student”. Your points and your place stay as they are."),
        ),
    ),
}

#: What the others of a school are asked; students are asked everything.
_OF_STAFF = (ConsentPurpose.PHOTO, ConsentPurpose.DIRECTORY, ConsentPurpose.MESSAGING)


def purposes_for(role: str) -> tuple[str, ...]:
    """What somebody of that role can agree to, in the order in which it is asked."""
    return tuple(TEXTS) if role == Role.STUDENT else _OF_STAFF


def current(purpose: str) -> ConsentText:
    """The text in force. Raises KeyError for what is no purpose."""
    return TEXTS[purpose][-1]


def text_of(purpose: str, version: str) -> ConsentText | None:
    """The text somebody agreed to; None for a version that was never among these, as one that was imported."""
    return next((text for text in TEXTS.get(purpose, ()) if text.version == version), None)
