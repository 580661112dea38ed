"""The web process: the scan gate in front, then the doors, Django behind them."""

from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.db.backends.signals import connection_created

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campushub.settings")

django = get_wsgi_application()

# Reads settings and models, so it comes after the set-up above.
from attendance.gate import Doors, ScanGate  # noqa: E402 - see the line above
from core.db import limit_statements  # noqa: E402 - see the line above

connection_created.connect(limit_statements)
application = ScanGate(Doors(django))

# What stands by now lives as long as the process: the garbage collector need not look through it again and again.
gc.collect()
gc.freeze()
