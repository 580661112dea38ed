"""Requests that are taken back at once, with a note of every answer that is not as it should be."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from copy import deepcopy
from typing import Any

from django.contrib.messages import get_messages
from django.db import transaction
from django.test import Client

from tests.fuzz.traces import traces

#: Answers that are not our own fault.
NO_FAULT = range(200, 500)


class Asker:
    """Asks as one person. Every request is undone; a refusal must have left nothing behind before that."""

    def __init__(self, client: Client, in_shape: Callable[[Any], bool]) -> None:
        client.raise_request_exception = False
        self.client, self.in_shape = client, in_shape
        self.problems: list[str] = []

    def ask(
        self,
        what: str,
        method: str,
        address: str,
        fine: Collection[int],
        data: bytes = b"",
        content_type: str = "",
        **headers: str,
    ) -> Any:
        """The answer; a problem is noted unless its status is one of `fine`."""
        before, cookies = traces(), deepcopy(self.client.cookies)
        with transaction.atomic():
            answer = self.client.generic(method, address, data, content_type, headers=headers)
            after = traces() if self.is_refused(answer) else before
            transaction.set_rollback(True)
        self.client.cookies = cookies
        told = f"{method} {address[:100]}: {what[:100]}: {answer.status_code}"
        if answer.status_code not in fine:
            self.problems.append(f"{told} {answer.content[:300]!r}")
        elif answer.status_code >= 400 and not self.in_shape(answer):
            self.problems.append(f"{told}, not the shape of refusals: {answer.content[:200]!r}")
        elif after != before:
            changed = [table for table in after if after[table] != before[table]]
            self.problems.append(f"{told}, but something was written: {', '.join(changed)}")
        return answer

    def is_refused(self, answer: Any) -> bool:
        """Whether it says no: by its status, or by leading back to a page that says why."""
        return answer.status_code >= 400 or (answer.status_code == 302 and "error" in said(answer))


def said(answer: Any) -> list[str]:
    """The levels of the messages that the next page shows."""
    return [message.level_tag for message in get_messages(answer.wsgi_request)]


def is_coded(answer: Any) -> bool:
    """Whether it is the `ErrorResponse` of the schema."""
    body = json.loads(answer.content)
    return (
        body["type"] in {"validation_error", "client_error"}
        and bool(body["errors"])
        and all(error["code"] and error["detail"] and "attr" in error for error in body["errors"])
    )


def is_page(answer: Any) -> bool:
    """Whether it is a page for people, whole to its end."""
    return answer["Content-Type"].startswith("text/html") and b"</html>" in answer.content
