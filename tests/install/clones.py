"""Throw-away clones of this checkout, used as a stranger would use them: through their commands alone."""

from __future__ import annotations

import contextlib
import http.client
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from _campushub.layout import State

ROOT = Path(__file__).resolve().parent.parent.parent
FIRST_START, NEXT_START = 600.0, 15.0  # seconds
# What a machine says about installing packages; nothing of our own settings may reach a clone.
PASSED_ON = re.compile(
    r"^(PIP_|npm_config_|UV_|https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY|SSL_|NODE_|LANG|TERM)"
)


@dataclass(frozen=True)
class Person:
    """Who uses a clone: root, or the ordinary user of this name."""

    name: str

    @property
    def ids(self) -> dict[str, object]:
        """The arguments of Popen that make the process theirs."""
        if self.name == pwd.getpwuid(os.geteuid()).pw_name:
            return {}
        entry = pwd.getpwnam(self.name)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    @property
    def environment(self) -> dict[str, str]:
        """A fresh login's environment on this machine."""
        passed = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {**passed, "PATH": path, "HOME": pwd.getpwnam(self.name).pw_dir, "USER": self.name}


@dataclass
class Running:
    """A site that `bin/run` has started."""

    process: subprocess.Popen[str]
    clone: Clone
    output: Path
    seconds: float = 0

    @property
    def text(self) -> str:
        return self.output.read_text()

    @property
    def port(self) -> int:
        found = re.search(r"ready after .*http://127\.0\.0\.1:(\d+)", self.text)
        assert found, self.text
        return int(found[1])

    def get(self, path: str, *, port: int | None = None) -> int:
        """The status of a page."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status

    def press_ctrl_c(self) -> int:
        """What a terminal does: interrupt the foreground process group. Returns the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(120)


@dataclass
class Clone:
    """A clone with what its owner's commands need to run."""

    path: Path
    person: Person
    extra: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, path: Path, person: Person) -> Clone:
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, path], check=True)
        if person.ids:
            subprocess.run(["chown", "-R", f"{person.ids['user']}:{person.ids['group']}", path], check=True)
        return cls(path, person)

    def state(self, name: str = "var") -> State:
        return State(self.path / name)

    def start(self, *arguments: str, before: tuple[str, ...] = (), **extra: str) -> Running:
        """`bin/run` in the background, its output in a file."""
        output = self.path.parent / f"{self.path.name[:20]}-{time.monotonic_ns()}.out"
        with output.open("w") as file:
            process = subprocess.Popen(
                [*before, "bin/run", *arguments],
                cwd=self.path, env={**self.person.environment, **self.extra, **extra},
                stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                start_new_session=True, **({} if before else self.person.ids),
            )  # fmt: skip
        return Running(process, self, output)

    @contextlib.contextmanager
    def running(self, *arguments: str, within: float = FIRST_START, **extra: str) -> Iterator[Running]:
        """A site that is ready; on leaving it is stopped, if it is not yet."""
        begun = time.monotonic()
        site = self.start(*arguments, **extra)
        try:
            wait_for(lambda: "is ready after" in site.text or site.process.poll() is not None, seconds=within)
            assert "is ready after" in site.text, f"{site.text}\n{self.last_words()}"
            site.seconds = time.monotonic() - begun
            yield site
        finally:
            if site.process.poll() is None:
                site.press_ctrl_c()

    def command(self, *command: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run one of the clone's commands to its end."""
        return subprocess.run(
            command, cwd=self.path, env={**self.person.environment, **self.extra, **extra},
            capture_output=True, text=True, timeout=FIRST_START, check=False, **self.person.ids,
        )  # fmt: skip

    def people(self, var: str = "var") -> int:
        """How many accounts the database holds: what a lost or emptied database would not have."""
        count = "from django.contrib.auth import get_user_model as m; print(m().objects.count())"
        done = self.command(
            "bin/manage", "shell", "--verbosity", "0", "-c", count, VAR_DIR=str(self.path / var)
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return int(done.stdout.split()[-1])

    def processes(self) -> dict[int, str]:
        """Everything that runs out of this clone or its data, by process id, with its command line."""
        marks = [str(self.path), *(self.state(name).digest for name in ("var", "var-wheel"))]
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                about = f"{command} {(entry / 'cwd').resolve()}/"
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and int(entry.name) != os.getpid() and any(mark in about for mark in marks):
                    found[int(entry.name)] = command
        return found

    def kill_everything(self) -> None:
        """kill -9 of all its processes at once."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not self.processes(), seconds=30)

    def last_words(self) -> str:
        """The ends of the logs, for the report of a failed test."""
        logs = sorted(self.path.glob("var*/log/*.log"))
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-1500:]}" for log in logs)

    def remove(self) -> None:
        self.kill_everything()
        for name in ("var", "var-wheel"):
            shutil.rmtree(f"/var/tmp/campushub-{self.state(name).digest}", ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)


def wait_for(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Wait until the condition holds; False when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
