"""The web process: the scan gate in front, Django behind it."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campushub.settings")

django = get_wsgi_application()

# Reads settings and models, so it comes after the set-up above.
from attendance.gate import ScanGate  # noqa: E402 - see the line above

application = ScanGate(django)
