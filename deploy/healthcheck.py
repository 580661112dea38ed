"""Container health: does the process on this port answer HTTP? `python deploy/healthcheck.py PORT [PATH]`."""

from __future__ import annotations

import http.client
import os
import sys


def main() -> int:
    """0 for any answer below 500; the Host header is one that the site accepts."""
    port, path = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "/healthz"
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", path, headers={"Host": host, "X-Forwarded-Proto": "https"})
        return 0 if connection.getresponse().status < 500 else 1
    except (OSError, http.client.HTTPException):
        return 1


sys.exit(main())
