"""Starting, finding and stopping processes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

_PR_SET_PDEATHSIG = 1


class Credentials(TypedDict, total=False):
    """The arguments of Popen that change the user."""

    user: int
    group: int
    extra_groups: list[int]


def unprivileged() -> Credentials:
    """As root, the user `nobody`, because PostgreSQL refuses to run as root; otherwise no change."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def reachable(path: Path, credentials: Credentials) -> bool:
    """Whether a process with these credentials can enter this folder or execute this file."""
    probe = subprocess.run(["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)], cwd="/", **credentials)
    return probe.returncode == 0


def die_with_parent(death_signal: int) -> Callable[[], None] | None:
    """A preexec function: the kernel sends `death_signal` when the starting process dies, however it dies."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)  # loaded before the fork: loading in the child could wait for a lock for ever
    parent = os.getpid()

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    credentials: Credentials | None = None,
    death_signal: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, out of reach of Ctrl-C; its output goes to `log`.

    With `death_signal` it gets that signal when we die; without, it outlives us.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=die_with_parent(death_signal) if death_signal else None,
            **(credentials or {}),
        )


def run(command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path | None = None) -> int:
    """Run a command in the foreground, on our terminal; returns its status. It ends when we are killed."""
    words = [str(part) for part in command]
    with subprocess.Popen(
        words, env=dict(env), cwd=cwd, preexec_fn=die_with_parent(signal.SIGTERM)
    ) as process:
        return process.wait()


def alive(pid: int) -> bool:
    """Whether a process with this id runs; one that ended and waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not Path("/proc/self").exists()


def working_in(pid: int, folder: Path) -> bool:
    """Whether this process has `folder` as its working directory: how a server is known to be ours."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == folder.resolve()
    except OSError:
        return False


def all_working_in(folder: Path) -> list[int]:
    """The processes that have `folder` as their working directory."""
    return [pid for pid in _all() if working_in(pid, folder)]


def with_environment(**wanted: str) -> list[int]:
    """The processes that were started with all of these environment variables."""
    lines = {f"{name}={value}".encode() for name, value in wanted.items()}
    found = []
    for pid in _all():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:  # it ended, or belongs to somebody else
            continue
        if lines <= set(environment):
            found.append(pid)
    return found


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def wait_for(
    condition: Callable[[], bool], *, seconds: float, unless: Callable[[], bool] = lambda: False
) -> bool:
    """Wait until the condition holds; False when it does not within `seconds`, or `unless` came true."""
    end = time.monotonic() + seconds
    while not condition():
        if unless() or time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def stop(pid: int, *, how: int = signal.SIGTERM, seconds: float = 20) -> None:
    """Ask a process to end, wait, and kill it when it does not. Its whole session is gone afterwards."""
    if alive(pid):
        os.kill(pid, how)
        wait_for(lambda: not alive(pid), seconds=seconds)
    kill_group(pid)


def kill_group(leader: int) -> None:
    """Kill what is left of the process group that this process led (workers that outlived their parent)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def stop_all(pids: Sequence[int], *, seconds: float = 10) -> None:
    """Ask several processes to end, wait, and kill those that do not."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
        if wait_for(lambda: not any(alive(pid) for pid in pids), seconds=seconds):
            return
