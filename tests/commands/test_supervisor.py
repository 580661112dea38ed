"""Starting, restarting and stopping parts, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

from _campushub import processes
from _campushub.supervisor import Part

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""


def part(tmp_path: Path, code: str, **options: float) -> Part:
    log = tmp_path / "part.log"
    launch = partial(processes.start, [sys.executable, "-c", code], log=log, death_signal=signal.SIGKILL)
    return Part("part", launch, log, **options)  # type: ignore[arg-type] # only seconds are passed


def test_a_part_that_ends_is_started_again_after_a_growing_pause(tmp_path: Path) -> None:
    dying = part(tmp_path, "print('out of luck')")
    dying.start()
    pauses = []
    for _ in range(3):
        assert dying.process is not None
        dying.process.wait()
        dying.revive(now=dying.started + 1)
        assert dying.due is not None
        pauses.append(dying.pause)
        dying.revive(now=dying.due)
        assert dying.due is None
    dying.stop()
    assert pauses == [1.0, 2.0, 4.0]


def test_a_part_that_ran_well_is_started_again_quickly(tmp_path: Path) -> None:
    steady = part(tmp_path, "pass")
    steady.start()
    assert steady.process is not None
    steady.process.wait()
    steady.pause = 16.0
    steady.revive(now=steady.started + 3600)
    assert steady.pause == 0.5


def test_a_part_that_ignores_its_signal_is_killed(tmp_path: Path) -> None:
    stubborn = part(tmp_path, STUBBORN, stop_seconds=0.1)
    stubborn.start()
    assert processes.wait_for(lambda: stubborn.log.read_text() == "up\n", seconds=20)
    stubborn.stop()
    assert stubborn.process is not None
    assert stubborn.process.returncode == -signal.SIGKILL


def test_a_child_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    parent = textwrap.dedent(
        f"""
        import signal, sys
        from pathlib import Path
        from _campushub import processes
        child = processes.start(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            log=Path({str(tmp_path / "child.log")!r}), death_signal=signal.SIGTERM,
        )
        print(child.pid, flush=True)
        signal.pause()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert processes.alive(child)
        process.kill()
    assert processes.wait_for(lambda: not processes.alive(child), seconds=20)
