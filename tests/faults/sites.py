"""A real site to break: servers of its own with fsync on, and granian serving the real application."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _campushub import ports, processes
from _campushub.layout import State
from _campushub.processes import wait_for
from _campushub.servers import Servers
from django.conf import settings


@dataclass(frozen=True)
class Answer:
    status: int
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Site:
    servers: Servers
    port: int
    environment: dict[str, str]
    web: subprocess.Popen[Any] | None = field(default=None)

    def start(self) -> None:
        """Granian with one worker; returns when it answers."""
        self.web = processes.start(
            [
                sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "4",
                "--host", "127.0.0.1", "--port", str(self.port), "campushub.wsgi:application",
            ],
            log=self.log, env=self.environment, cwd=settings.BASE_DIR, death_signal=signal.SIGTERM,
        )  # fmt: skip
        assert wait_for(self.answers, seconds=60), self.log.read_text()

    @property
    def log(self) -> Path:
        return self.servers.state.log / "web.log"

    def answers(self) -> bool:
        try:
            return self.ask("GET", "/healthz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def kill(self) -> None:
        """Kill -9 of the web server: its workers first, which is where the work is done."""
        assert self.web is not None
        listed = subprocess.run(
            ["pgrep", "-P", str(self.web.pid)], capture_output=True, text=True, check=False
        ).stdout
        for pid in [*map(int, listed.split()), self.web.pid]:
            os.kill(pid, signal.SIGKILL)
        self.web.wait(timeout=30)

    def stop(self) -> None:
        if self.web is not None and self.web.poll() is None:
            processes.stop(self.web.pid)
            self.web.wait(timeout=30)

    def ask(self, method: str, address: str, body: Any = None, token: str = "") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, address, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())
        finally:
            connection.close()

    def run(self, script: str) -> Any:
        """What the script prints, as JSON; it runs in a process of its own with the site's settings."""
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", script],
            env={**self.environment, "PYTHONPATH": str(settings.BASE_DIR)},
            cwd=settings.BASE_DIR, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.strip().splitlines()[-1])

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement, asked by a connection of its own."""
        import psycopg

        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            return connection.execute(statement, values).fetchall()  # type: ignore[call-overload] # tests write these


@contextmanager
def site() -> Iterator[Site]:
    # Not in pytest's own folder: the unprivileged user that PostgreSQL runs as could not enter it.
    folder = Path(tempfile.mkdtemp(prefix="campushub-faults-", dir="/var/tmp"))
    folder.chmod(0o755)
    servers = Servers(State.at(folder), configured={})
    servers.start_missing(linked=True)
    port = ports.choose(servers.state, "web")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TEST_")},
        **servers.environment(mode="test"),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "THROTTLE_RATES": json.dumps(dict.fromkeys(["login", "user", "bulk", "scan"], "100000/min")),
        "CAMPUSHUB_DB_ROLE": "",
    }
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    owner = {**environment, "CAMPUSHUB_DB_ROLE": "owner"}
    found = Site(servers, port, environment)
    try:
        assert processes.run(migrate, env=owner, cwd=settings.BASE_DIR) == 0
        found.start()
        yield found
    finally:
        found.stop()
        servers.stop()
        shutil.rmtree(folder)


#: Makes an open class of `students`, and prints what tests need to use it over HTTP.
OPEN_CLASS = """
import json
from datetime import timedelta
from uuid import uuid4
from academics.models import Student
from attendance import codes
from core import clock, partitions
from core.tokens import encode_access
from tests.factories import PASSWORD, SectionFactory, SessionFactory, SchoolFactory, TermFactory, UserFactory
now = clock.now()
school = SchoolFactory()
today = school.local_date(now)
TermFactory(school=school, starts_on=today - timedelta(days=30), ends_on=today + timedelta(days=90))
section = SectionFactory(school=school, students={students})
session = SessionFactory(section=section, starts_at=now - timedelta(minutes=1), open=True)
office = UserFactory(school=school)
def token(user, student=None):
    return encode_access(user_id=user.pk, school_id=school.pk, role=user.role, student_id=student,
                         family_id=uuid4(), issued_at=now)
students = list(Student.objects.filter(school=school).select_related("user").order_by("pk"))
code = codes.code_at(session_id=session.pk, school_id=school.pk, generation=session.qr_generation,
                     rotation=0, now=now)
print(json.dumps({{
    "session": str(session.pk),
    "office": token(office),
    "numbers": [student.enrollment_no for student in students],
    "tokens": [token(student.user, student.pk) for student in students[:5]],
    "code": codes.encode(code),
}}))
"""
