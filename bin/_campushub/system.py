"""What the machine itself has to bring: shared libraries, fonts, a browser (packages of Debian/Ubuntu)."""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .console import say, warn
from .layout import VENV

PANGO = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}
# One letter shape of each script that names in PDF files are written in.
FONTS = {"NotoSansTelugu-Regular.ttf": "fonts-noto-core", "NotoSansDevanagari-Regular.ttf": "fonts-noto-core"}
#: Without a window there is nothing to draw: the shell of Chromium alone takes half the time of the whole.
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
)


def missing_for_pdf() -> list[str]:
    """The Debian packages that PDF files need and that are not here."""
    packages = [package for library, package in PANGO.items() if not _loads(library)]
    for font, package in FONTS.items():
        folders = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
        if package not in packages and not any(next(folder.rglob(font), None) for folder in folders):
            packages.append(package)
    return packages


def offer_pdf() -> None:
    """Install what PDF files need, or say in one line what is missing: the site runs without it."""
    packages = missing_for_pdf()
    if not packages:
        return
    tried = VENV / "tried-system-packages"
    if not tried.exists():
        tried.touch()
        if install(packages) and not (packages := missing_for_pdf()):
            return
    warn(
        f"PDF files (registers, certificates) cannot be made until the system packages {' '.join(packages)} are "
        f"installed (as root: apt-get install {' '.join(packages)}); everything else works."
    )


def browser() -> str | None:
    """The path of a Chromium for the browser tests; `CHROMIUM` names one explicitly."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in BROWSERS if (path := shutil.which(name))), None)


def install_browser() -> str | None:
    """Install a browser for the tests; its path, or None when that cannot be done."""
    # Ubuntu has no package of the shell.
    for package in ("chromium-headless-shell", "chromium"):
        if install([package]) and (found := browser()):
            return found
    return None


def install(packages: Sequence[str]) -> bool:
    """Install Debian packages as root or through sudo without a password; False when that cannot be done."""
    prefix = _as_root()
    if prefix is None or not shutil.which("apt-get"):
        return False
    say(f"Installing the system packages {' '.join(packages)} …")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            [*prefix, "apt-get", *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            words = (done.stderr or done.stdout).strip().splitlines()
            warn(f"apt-get {arguments[0]} failed: {words[-1] if words else f'status {done.returncode}'}")
            return False
    return True


@functools.cache
def _as_root() -> list[str] | None:
    """What to put before a command to run it as root; None when we may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if allowed else None


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
