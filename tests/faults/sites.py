"""A real site to break: servers of its own with fsync on, and our processes as `bin/run` starts them."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import psycopg
from _campushub import ports, processes
from _campushub.layout import State
from _campushub.processes import wait_for
from _campushub.servers import Servers
from django.conf import settings

from tests.live.processes import Watch

#: Seconds until something that takes one or two is taken for broken.
PATIENCE = 180


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of a refusal."""
        return str(self.json["errors"][0]["code"])


@dataclass
class Site:
    servers: Servers
    environment: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    #: Seconds after which whoever asks gives up.
    patience: float = PATIENCE

    # -- our processes ---------------------------------------------------------------------------------

    def start_web(self) -> None:
        """Granian with one worker; returns when it answers."""
        self._start(
            "web", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "4",
            "--host", "127.0.0.1", "--port", str(self.port("web")), "campushub.wsgi:application",
        )  # fmt: skip
        assert wait_for(lambda: self._answers("web"), seconds=PATIENCE), self.log("web")

    def start_live(self) -> None:
        self._start(
            "live", "uvicorn", "--host", "127.0.0.1", "--port", str(self.port("live")), "--no-access-log",
            "--timeout-graceful-shutdown", "2", "campushub.live:application",
        )  # fmt: skip
        assert wait_for(lambda: self._answers("live"), seconds=PATIENCE), self.log("live")

    def start_worker(self, *options: str) -> None:
        self._start(
            "worker", "celery", "--app", "campushub.celery:app", "worker", "--loglevel", "INFO",
            "--concurrency", "1", "--without-gossip", "--without-mingle", *options,
        )  # fmt: skip

    def start_beat(self) -> None:
        schedule = self.servers.state.path / "beat"
        self._start(
            "beat",
            "celery",
            "--app",
            "campushub.celery:app",
            "beat",
            "--pidfile",
            "",
            "--schedule",
            str(schedule),
        )

    def _start(self, name: str, *module: str) -> None:
        # Each process its own log: what an earlier one said proves nothing of this one.
        log = self.servers.state.log / f"{name}.log"
        log.unlink(missing_ok=True)
        self.running[name] = processes.start(
            [sys.executable, "-m", *module],
            log=log,
            env=self.environment,
            cwd=settings.BASE_DIR,
            death_signal=signal.SIGTERM,
        )

    def kill(self, name: str) -> None:
        """Kill -9 of one of ours with all its children, which do the work."""
        processes.kill_group(self.running[name].pid)
        self.running.pop(name).wait(timeout=PATIENCE)

    def stop(self, name: str) -> None:
        processes.stop(self.running[name].pid)
        self.running.pop(name).wait(timeout=PATIENCE)

    def all_run(self) -> bool:
        """Whether none of ours that was started has ended."""
        return all(process.poll() is None for process in self.running.values())

    def port(self, name: str) -> int:
        return ports.read(self.servers.state)[name]

    def log(self, name: str) -> str:
        path = self.servers.state.log / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def _answers(self, name: str) -> bool:
        try:
            return self.ask("GET", "/healthz", to=name).status < 500
        except (OSError, http.client.HTTPException):
            return False

    # -- the servers behind them -----------------------------------------------------------------------

    def stop_database(self) -> None:
        """``pg_ctl stop -m immediate``: as if it had crashed."""
        assert self.servers.postgres is not None
        _end(self.servers.postgres.pid(), signal.SIGQUIT)

    def kill_valkey(self) -> None:
        assert self.servers.valkey is not None
        _end(self.servers.valkey.pid(), signal.SIGKILL)

    def freeze_valkey(self) -> None:
        """From here on it accepts connections and answers nothing."""
        self._signal_valkey(signal.SIGSTOP)

    def start_servers(self) -> None:
        """Those that do not run, on the ports they had; a frozen one goes on."""
        self._signal_valkey(signal.SIGCONT)
        self.servers.start_missing(linked=True)

    def _signal_valkey(self, how: int) -> None:
        assert self.servers.valkey is not None
        if pid := self.servers.valkey.pid():
            os.kill(pid, how)

    # -- asking ----------------------------------------------------------------------------------------

    def ask(
        self, method: str, address: str, body: Any = None, *, token: str = "", to: str = "web", **headers: str
    ) -> Answer:
        """`body`: a mapping travels as JSON, a text as a form."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if isinstance(body, Mapping):
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        elif body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port(to), timeout=self.patience)
        try:
            connection.request(method, address, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def watch(self, room: Room) -> Watch:
        """The stream of a class screen."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port("live"), timeout=self.patience)
        connection.request(
            "GET", f"/live/sessions/{room.session}/", headers={"Authorization": f"Bearer {room.teacher}"}
        )
        return Watch(connection.getresponse())

    def sign_in(self, username: str, password: str) -> str:
        """Through the page; the cookies for what follows."""
        cookies = self._cookies(self.ask("GET", "/login/"))
        said = {
            "username": username,
            "password": password,
            "csrfmiddlewaretoken": next(value for name, value in cookies.items() if "csrf" in name),
        }
        answer = self.ask("POST", "/login/", urllib.parse.urlencode(said), Cookie=_header(cookies))
        assert (answer.status, answer.headers["Location"]) == (302, "/"), answer.body
        return _header(cookies | self._cookies(answer))

    def _cookies(self, answer: Answer) -> dict[str, str]:
        found: SimpleCookie = SimpleCookie()
        for line in answer.headers.get_all("Set-Cookie", []):
            found.load(line)
        return {name: morsel.value for name, morsel in found.items()}

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
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[call-overload] # tests write these
            return cursor.fetchall() if cursor.description else []


def _end(pid: int | None, how: int) -> None:
    assert pid is not None
    os.kill(pid, how)
    assert wait_for(lambda: not processes.alive(pid), seconds=PATIENCE)


def _header(cookies: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


@contextmanager
def site() -> Iterator[Site]:
    """Migrated, with nothing in it; the web process runs."""
    # Not in pytest's own folder: the unprivileged user that PostgreSQL runs as could not enter it.
    folder = Path(tempfile.mkdtemp(prefix="campushub-faults-", dir="/var/tmp"))
    folder.chmod(0o755)
    servers = Servers(State.at(folder), configured={})
    servers.start_missing(linked=True)
    web, live = (f"http://127.0.0.1:{ports.choose(servers.state, name)}" for name in ("web", "live"))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TEST_")},
        **servers.environment(mode="test"),
        "PUBLIC_URL": web,
        "LIVE_URL": live,
        "THROTTLE_RATES": json.dumps(dict.fromkeys(["login", "user", "bulk", "scan"], "100000/min")),
        "CAMPUSHUB_DB_ROLE": "",
    }
    made = Site(servers, environment)
    try:
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        owner = {**environment, "CAMPUSHUB_DB_ROLE": "owner"}
        assert processes.run(migrate, env=owner, cwd=settings.BASE_DIR) == 0
        made.start_web()
        yield made
    finally:
        for name in list(made.running):
            made.stop(name)
        servers.stop()
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Room:
    """An open class and what tests need to use it over HTTP."""

    session: str
    teacher: str
    """Token of its lecturer."""
    teacher_name: str
    """The name the lecturer signs in with."""
    password: str
    numbers: list[str]
    """The students' enrollment numbers."""
    tokens: list[str]
    """Tokens of the first students, in the order of `numbers`."""
    code: str
    """What the class screen shows as a QR code; good for as long as a test takes."""

    @classmethod
    def open(cls, site: Site, *, students: int) -> Room:
        return cls(**site.run(f"STUDENTS = {students}\n{_OPEN_CLASS}"))

    def scan(self, site: Site, student: int) -> Answer:
        return site.ask(
            "POST",
            "/api/v1/attendance/records/qr-scan/",
            {"token": self.code, "device_id": f"phone-{student}"},
            token=self.tokens[student],
        )

    def mark(self, site: Site, student: int, status: str) -> Answer:
        return site.ask(
            "POST",
            "/api/v1/attendance/records/",
            {"session": self.session, "student": self.numbers[student], "status": status},
            token=self.teacher,
        )

    def bulk_mark(self, site: Site, status: str, *, first: int = 0) -> Answer:
        """All students from the `first` on."""
        marks = [{"student": number, "status": status} for number in self.numbers[first:]]
        return site.ask(
            "POST",
            "/api/v1/attendance/records/bulk-mark/",
            {"session": self.session, "marks": marks},
            token=self.teacher,
        )

    def roster(self, site: Site) -> Answer:
        return site.ask("GET", f"/api/v1/attendance/sessions/{self.session}/roster/", token=self.teacher)

    def summary(self, site: Site, student: int) -> Answer:
        return site.ask("GET", "/api/v1/attendance/statistics/student-summary/", token=self.tokens[student])

    def saved(self, site: Site) -> dict[str, int]:
        """How many records of each status stand in the database."""
        return dict(
            site.sql(
                "SELECT status, count(*) FROM attendance_record WHERE session_id = %s GROUP BY status",
                self.session,
            )
        )


_OPEN_CLASS = """
import json
from datetime import timedelta
from uuid import uuid4
from academics.models import Student
from attendance import codes
from core import clock
from core.tokens import encode_access
from tests.factories import PASSWORD, SchoolFactory, SectionFactory, SessionFactory, TermFactory

NAME = uuid4().hex[:8]
now = clock.now()
school = SchoolFactory(code=NAME, name=NAME, timezone="UTC", configuration__one_device_per_student=False)
today = school.local_date(now)
TermFactory(school=school, starts_on=today - timedelta(days=30), ends_on=today + timedelta(days=90))
section = SectionFactory(school=school, students=STUDENTS)
session = SessionFactory(section=section, starts_at=now, open=True)


def token(user, student=None):
    return encode_access(user_id=user.pk, school_id=school.pk, role=user.role, student_id=student,
                         family_id=uuid4(), issued_at=now)


students = list(Student.objects.filter(school=school).select_related("user").order_by("enrollment_no"))
teacher = session.faculty.get().user
code = codes.code_at(session_id=session.pk, school_id=school.pk, generation=session.qr_generation, rotation=0, now=now)
print(json.dumps({
    "session": str(session.pk),
    "teacher": token(teacher),
    "teacher_name": teacher.username,
    "password": PASSWORD,
    "numbers": [student.enrollment_no for student in students],
    "tokens": [token(student.user, student.pk) for student in students[:20]],
    "code": codes.encode(code),
}))
"""
