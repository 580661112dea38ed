"""PostgreSQL and Valkey together, and the environment that leads the application to them."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from . import keys as key_file
from . import ports
from .console import Problem
from .layout import State
from .postgres import APPLICATION, OWNER, Cluster
from .valkey import Valkey


@dataclass
class Servers:
    """The embedded servers of a state folder.

    What `configured` (the caller's environment) says stays as it is: a server given by its URL is left to
    its owner.
    """

    state: State
    configured: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def __post_init__(self) -> None:
        self.state.prepare()
        self.keys = key_file.load(self.state)
        self.postgres = None if self.configured.get("DATABASE_URL") else Cluster(self.state, self.keys)
        self.valkey = None if self.configured.get("REDIS_URL") else Valkey(self.state, self.keys)

    def embedded(self) -> list[Cluster | Valkey]:
        """Those that are ours to run, in the order of their start."""
        return [server for server in (self.postgres, self.valkey) if server is not None]

    def check_configured(self) -> None:
        """Raise Problem when a server that is given by its URL does not listen there."""
        for variable, port in (("DATABASE_URL", 5432), ("REDIS_URL", 6379)):
            address = urlsplit(self.configured.get(variable, ""))
            if not address.hostname:
                continue
            try:
                socket.create_connection((address.hostname, address.port or port), timeout=5).close()
            except OSError as error:
                place = f"{address.hostname}:{address.port or port}"
                raise Problem(f"Nothing answers at {place}, where {variable} points: {error}.") from error

    def kept(self) -> bool:
        """Whether bin/services started them, so that they run until it stops them."""
        return self._kept.exists()

    def keep(self, wanted: bool) -> None:
        """Remember whether they go on running when no command uses them."""
        self._kept.touch() if wanted else self._kept.unlink(missing_ok=True)

    @property
    def _kept(self) -> Path:
        return self.state.path / "servers.kept"

    def start_missing(self, *, linked: bool = False) -> None:
        """Start those that do not run; `linked` ones stop when this process dies, however it dies."""
        for server in self.embedded():
            if server.pid() is None:
                server.start(death_signal=server.stop_signal if linked else None)

    def stop(self) -> None:
        """Stop all of ours that run, PostgreSQL last."""
        for server in reversed(self.embedded()):
            server.stop()

    def environment(self, mode: str = "development") -> dict[str, str]:
        """The application's settings that lead to these servers, by the name of the variable."""
        found = {
            "CAMPUSHUB_ENV": mode,
            "DJANGO_SETTINGS_MODULE": "campushub.settings",
            "SECRET_KEY": self.keys["secret_key"],
            "ENCRYPTION_KEYS": self.keys["encryption_keys"],
            "BLIND_INDEX_KEY": self.keys["blind_index_key"],
            "AUDIT_SEAL_KEY": self.keys["audit_seal_key"],
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
        }
        if self.postgres:
            found["DATABASE_URL"] = self.postgres.url(APPLICATION, self.keys["app_password"])
            found["DATABASE_OWNER_URL"] = self.postgres.url(OWNER, self.keys["owner_password"])
        if self.valkey:
            found["REDIS_URL"] = self.valkey.url()
        known = ports.read(self.state)
        for variable, name in (("PUBLIC_URL", "web"), ("LIVE_URL", "live")):
            if name in known:
                found[variable] = f"http://127.0.0.1:{known[name]}"
        chosen = {name: self.configured.get(name) or value for name, value in found.items()}
        return {**chosen, "VAR_DIR": str(self.state.path)}
