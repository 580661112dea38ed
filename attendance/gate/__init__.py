"""The scan gate: one WSGI callable in front of Django that answers scans of the classroom code, and only those.

Why there is a second path for one address: at nine o'clock thousands scan at once, each scan is a committed row,
and a commit per request, with Django's and DRF's work around it, gives a fifth of what the machine can do. The gate
takes the plain scans (an access token, a small JSON body), lets those that queue up during one commit go into the
next statement together (`core.batching`), and answers when that statement is committed.

Nothing is decided here. Who may scan and what becomes of a scan is decided by the same statement as everywhere
(`attendance.services.scanning`), headers are Django's own (`envelope`), refusals are written by the API's exception
handler, the limit is the same counter. Whatever is not plain falls through to Django as it came. The tests hold
both paths equal (tests/attendance/test_scan_paths.py).
"""

from __future__ import annotations

from attendance.gate.doors import Doors
from attendance.gate.wsgi import ScanGate

__all__ = ["Doors", "ScanGate"]
