"""The embedded PostgreSQL: a private cluster in the state folder, whose data is kept."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import ports, postgres_programs, processes
from .console import Problem, last_line
from .keys import Keys
from .layout import State
from .postgres_programs import Programs

DATABASE = "campushub"
OWNER, APPLICATION, SUPERUSER = "campushub_owner", "campushub_app", "postgres"

# Loopback only, and no socket: a socket's path longer than 107 bytes would be fatal.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
effective_cache_size = 1GB
work_mem = 16MB
maintenance_work_mem = 256MB
max_wal_size = 2GB
checkpoint_timeout = 15min
random_page_cost = 1.1
fsync = on
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_line_prefix = '%m [%p] %u@%d '
"""
HOSTS = "host all all 127.0.0.1/32 scram-sha-256\n"


@dataclass
class Cluster:
    """The cluster of one state folder; `start()` makes it on first use."""

    state: State
    keys: Keys
    credentials: processes.Credentials = field(default_factory=processes.unprivileged)
    name: str = "PostgreSQL"
    stop_signal: int = signal.SIGINT

    @property
    def home(self) -> Path:
        """The folder of the cluster: in the state folder, or elsewhere when its user cannot reach that.

        A parent with mode 0700 (root's home, for one) shuts out the unprivileged user.
        """
        inside = processes.reachable(self.state.path, self.credentials)
        return self.state.path if inside else self._outside

    @property
    def _outside(self) -> Path:
        return Path(f"/var/tmp/campushub-{self.state.digest}")  # noqa: S108 - its owner is checked

    @property
    def data(self) -> Path:
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        return self.state.log / "postgres.log"

    @property
    def port(self) -> int:
        return ports.read(self.state)["postgres"]

    def url(self, role: str, password: str) -> str:
        """The address of the database for one role."""
        return f"postgres://{role}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    def pid(self) -> int | None:
        """The process id of this cluster's server, when it runs."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if processes.alive(pid) and processes.working_in(pid, self.data) else None

    def ready(self) -> bool:
        """Whether the server accepts connections."""
        return _accepts_logins(self.port)

    def start(self, *, death_signal: int | None = None) -> subprocess.Popen[bytes]:
        """Start the server and wait until it answers; the first time, make the cluster.

        Raises Problem with the last line of the log when it does not come up.
        """
        programs = postgres_programs.find(self.credentials, data=self.data)
        if self.home == self._outside or not processes.reachable(
            programs.folder / "postgres", self.credentials
        ):
            self._make_outside_home()
            programs = postgres_programs.within_reach(programs, self.credentials, home=self._outside)
        if not self.data.exists():
            self._initialise(programs)
        self._clear_away()
        process = processes.start(
            [programs.folder / "postgres", "-D", self.data, "-p", str(ports.choose(self.state, "postgres"))],
            log=self.log, env=_environment(), cwd=Path("/"),
            credentials=self.credentials, death_signal=death_signal,
        )  # fmt: skip
        if not processes.wait_for(self.ready, seconds=120, unless=lambda: process.poll() is not None):
            processes.stop(process.pid, how=self.stop_signal)
            raise Problem(f"PostgreSQL did not start: {last_line(self.log)} (all of it in {self.log}).")
        return process

    def stop(self) -> None:
        """Stop the server, when it runs, after rolling back what is open."""
        if pid := self.pid():
            processes.stop(pid, how=self.stop_signal, seconds=60)

    def _clear_away(self) -> None:
        """Make room after a crash: no server of ours runs, or pid() would have found it.

        Its children end soon after it; as long as one is there, a new server must not touch the data.
        The file with the old number goes because another process may have that number by now, which
        would make PostgreSQL refuse to start.
        """
        if orphans := processes.all_working_in(self.data):
            processes.stop_all(orphans)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _make_outside_home(self) -> None:
        """Make the folder under /var/tmp; refuse one that another user put there first."""
        self._outside.mkdir(mode=0o711, exist_ok=True)
        if self._outside.is_symlink() or self._outside.stat().st_uid != os.geteuid():
            raise Problem(f"{self._outside} belongs to another user: remove it, or use another --var.")
        self._outside.chmod(0o711)

    def _initialise(self, programs: Programs) -> None:
        """Make the cluster with its roles and its database.

        All happens in a draft folder that is renamed when it is complete: an interrupted first start
        leaves nothing that looks like a cluster.
        """
        draft = self.home / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self.credentials:
            os.chown(draft, self.credentials["user"], self.credentials["group"])
        # "trust" is in force at no moment: the list of hosts is replaced before the server first listens.
        self._run(
            programs, "initdb", "-D", draft, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
            "--lc-collate=C", f"--lc-ctype={_ctype()}", "--lc-messages=C", "--no-instructions",
        )  # fmt: skip
        with (draft / "postgresql.conf").open("a") as file:
            file.write(SETTINGS)
        (draft / "pg_hba.conf").write_text(HOSTS)
        self._run(programs, "postgres", "--single", "-j", "-D", draft, "postgres", text=self._roles())
        draft.rename(self.data)

    def _roles(self) -> str:
        """SQL for single-user mode. The application's role owns nothing and may create nothing."""
        statements = [
            f"ALTER ROLE {SUPERUSER} PASSWORD '{self.keys['postgres_password']}'",
            f"CREATE ROLE {OWNER} LOGIN CREATEDB PASSWORD '{self.keys['owner_password']}'",
            f"CREATE ROLE {APPLICATION} LOGIN PASSWORD '{self.keys['app_password']}'",
            f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
            f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC",
            f"GRANT CONNECT ON DATABASE {DATABASE} TO {APPLICATION}",
        ]
        return "".join(f"{statement};\n\n" for statement in statements)

    def _run(self, programs: Programs, name: str, *arguments: str | Path, text: str = "") -> None:
        """Run one of PostgreSQL's programs to its end; raises Problem with its last words when it fails."""
        done = subprocess.run(
            [programs.folder / name, *arguments],
            input=text, capture_output=True, text=True, cwd="/", env=_environment(), check=False,
            **self.credentials,
        )  # fmt: skip
        # Single-user mode reports a failed statement and goes on.
        if done.returncode or "ERROR:" in done.stderr or "FATAL:" in done.stderr:
            words = (done.stderr or done.stdout).strip().splitlines() or [f"status {done.returncode}"]
            raise Problem(f"PostgreSQL's {name} failed: {words[-1]}")


def _environment() -> dict[str, str]:
    """As little as possible: PostgreSQL's programs obey many PG… variables that a user may have set."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _ctype() -> str:
    """C.UTF-8 knows upper and lower case of all letters, C only of ASCII."""
    known = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout
    return "C.UTF-8" if {"c.utf8", "c.utf-8"} & set(known.lower().split()) else "C"


def _accepts_logins(port: int) -> bool:
    """Send the first packet of PostgreSQL's protocol 3.0: 'R' (authenticate) comes back, or 'E' (error)."""
    body = struct.pack("!i", 3 << 16) + f"user\0{APPLICATION}\0database\0{DATABASE}\0\0".encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(struct.pack("!i", len(body) + 4) + body)
            return connection.recv(1024).startswith(b"R")
    except OSError:
        return False
