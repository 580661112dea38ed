from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import School
from tests.factories import SchoolFactory
from tests.notifications.servers import MailServer, Receiver, serving


@pytest.fixture
def school(db: None) -> School:
    return SchoolFactory(name="Sagar College", code="sagar")


@pytest.fixture
def post(settings: Any) -> Iterator[MailServer]:
    """A mail server that is configured."""
    with serving(MailServer()) as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_TIMEOUT = 5
        yield server


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A receiver of webhooks, which may be on loopback."""
    settings.WEBHOOKS_TO_PRIVATE_NETWORKS = True
    with serving(Receiver()) as server:
        yield server
