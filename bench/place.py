"""Where benchmarks run: private servers, a database of the wanted size, and the site as in production."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from _campushub import locks, manage_py, parts, ports
from _campushub.console import say
from _campushub.layout import ROOT, State
from _campushub.postgres import APPLICATION, DATABASE, OWNER, SUPERUSER
from _campushub.servers import Servers
from _campushub.supervisor import Part

from bench import data

#: What the proxy in front of the site would say; the site believes it, as in production.
HOST = "campus.example.edu"


@dataclass
class Place:
    """Private PostgreSQL and Valkey with fsync and synchronous commit on, in ``var/bench``."""

    state: State = field(default_factory=lambda: State.at(ROOT / "var" / "bench"))
    #: The next wave of classes that nobody has scanned in.
    next_wave: int = 0

    def __post_init__(self) -> None:
        self.servers = Servers(self.state, configured={})
        assert self.servers.postgres is not None
        self.postgres = self.servers.postgres

    @contextlib.contextmanager
    def running(self) -> Iterator[Place]:
        """The servers run inside the block; their data is kept for the next time."""
        with locks.only_one(self.state, "bin/bench"):
            self.servers.start_missing(linked=True)
            try:
                yield self
            finally:
                self.servers.stop()

    def environment(self) -> dict[str, str]:
        """The site's settings: production, behind a proxy that speaks https."""
        return {
            **self.servers.environment("production"),
            "PUBLIC_URL": f"https://{HOST}",
            "LIVE_URL": f"https://{HOST}",
            "ALLOWED_HOSTS": f"{HOST},127.0.0.1",
            "TRUSTED_PROXIES": "1",
            "LOG_FORMAT": "json",
        }

    def connect(self, database: str = DATABASE, role: str = SUPERUSER) -> psycopg.Connection[Any]:
        """An autocommitting connection of the benchmark itself."""
        url = self.postgres.url(role, self.servers.keys["postgres_password"])
        return psycopg.connect(f"{url.rpartition('/')[0]}/{database}", autocommit=True)

    def application_url(self) -> str:
        """The address of the database for the site's own role."""
        return self.postgres.url(APPLICATION, self.servers.keys["app_password"])

    def fresh_database(self, rows: int) -> None:
        """A database with the college and `rows` past records, as if nobody had ever scanned since."""
        template = f"bench_{rows}_{_digest()}"
        with self.connect("postgres") as server:
            known = [name for (name,) in server.execute("SELECT datname FROM pg_database").fetchall()]
            if template not in known:
                for stale in known:
                    if stale.startswith(f"bench_{rows}_"):
                        server.execute(f'DROP DATABASE "{stale}"')
                self._make_template(server, template, rows)
            server.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            self._create(server, DATABASE, f"TEMPLATE {template} STRATEGY file_copy")
        self.next_wave = 0

    def waves(self, count: int, *, planned: bool = False) -> int:
        """Open so many waves of classes, or plan them; the number of the first one."""
        first, self.next_wave = self.next_wave, self.next_wave + count
        with self.connect() as database:
            data.open_waves(database, first=first, count=count, planned=planned)
            database.execute(
                "ANALYZE attendance_session, attendance_session_sections, attendance_session_faculty"
            )
            database.execute("CHECKPOINT")
        return first

    def scans(self, count: int) -> int:
        """Open classes for so many scans; the number of the first one."""
        return self.waves(count // data.STUDENTS + 1) * data.STUDENTS

    @contextlib.contextmanager
    def site(self, *names: str, **more: str) -> Iterator[parts.Addresses]:
        """The named parts (``web``, ``live``) of the site, started as `bin/run` starts them; `more` is environment."""
        addresses = parts.Addresses(ports.choose(self.state, "web"), ports.choose(self.state, "live"))
        variables = {**os.environ, **self.environment(), **more}
        started: list[Part] = []
        try:
            for part in parts.of_site(self.state, addresses, variables):
                if part.name in names:
                    started.append(part)
                    part.start()
                    parts.wait_until_up(part, getattr(addresses, part.name))
            yield addresses
        finally:
            for part in reversed(started):
                part.stop()

    def _make_template(self, server: psycopg.Connection[Any], template: str, rows: int) -> None:
        say(f"Making a college of {data.STUDENTS:,} students with {rows:,} records (once) …")
        draft = f"{template}_draft"
        server.execute(f'DROP DATABASE IF EXISTS "{draft}"')
        self._create(server, draft, "")
        addresses = {
            "DATABASE_URL": self.postgres.url(APPLICATION, self.servers.keys["app_password"]),
            "DATABASE_OWNER_URL": self.postgres.url(OWNER, self.servers.keys["owner_password"]),
        }
        elsewhere = {name: f"{url.rpartition('/')[0]}/{draft}" for name, url in addresses.items()}
        environment = {**os.environ, **self.environment(), **elsewhere}
        manage_py.run(environment, "migrate", "--verbosity", "0")
        with self.connect(draft) as database:
            data.fill(database, rows=rows)
        # The figures kept of those records, by the site itself.
        manage_py.run(environment, "shell", "--verbosity", "0", "--command", _REBUILD)
        with self.connect(draft) as database:
            database.execute("VACUUM (ANALYZE)")
        server.execute(f'ALTER DATABASE "{draft}" RENAME TO "{template}"')

    def _create(self, server: psycopg.Connection[Any], name: str, options: str) -> None:
        server.execute(f'CREATE DATABASE "{name}" OWNER {OWNER} {options}')
        server.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        server.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {APPLICATION}')


_REBUILD = """
from attendance.services import statistics
from core import clock
statistics.rebuild(now=clock.now())
"""


def _digest() -> str:
    """Of all that decides what is in the database."""
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/sql.py"), ROOT / "bench" / "data.py"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
