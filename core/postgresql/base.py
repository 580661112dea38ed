"""The engine behind ``DATABASES``: Django's own, but for how it sees that a kept connection has died, and for
statements whose plans are kept.

Django asks every connection ``SELECT 1`` before the first query of a request. A server that goes down closes its
connections, which the socket tells for nothing: it becomes readable though nobody asked anything. Only then is the
question asked. A network that swallows packets without a word is left to TCP's keep-alive, and to the 503 of the
request that meets it.
"""

from __future__ import annotations

import select
from typing import cast

from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper


class DatabaseWrapper(base.DatabaseWrapper):
    """Named ``core.postgresql`` in the settings."""

    def close_if_health_check_failed(self) -> None:
        """Drop a connection that died since the last request."""
        # With nothing to see, Django takes it as asked and answered.
        self.health_check_done: bool = self.health_check_done or self._is_quiet()
        super().close_if_health_check_failed()

    def prepared_cursor(self) -> CursorWrapper:
        """A cursor that sends parameters beside the statement, which is planned once; see `core.db.prepared`."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            # As Django makes its own, of which its types do not know.
            cursor = base.ServerBindingCursor(self.connection)  # type: ignore[call-arg]
            return cast(CursorWrapper, self._prepare_cursor(cursor))  # type: ignore[attr-defined]

    def _is_quiet(self) -> bool:
        """Whether the server has said nothing since its last answer."""
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
