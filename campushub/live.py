"""The live process: server-sent events, so that open class screens hold no thread of the web process.

Run it with ``uvicorn campushub.live:application``.
"""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campushub.settings")
django.setup()

# Models can be imported only after the set-up above.
from attendance import live as classes  # noqa: E402 - see the line above
from core.streams.asgi import LiveApplication, route  # noqa: E402 - the same

_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

application = LiveApplication(
    [route(rf"/live/sessions/(?P<topic>{_UUID})/", check=classes.check, read=classes.read)]
)
