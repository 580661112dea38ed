"""Remembering what was done for which input, so that a second start skips it and works offline."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def of_files(files: Iterable[Path], *more: str) -> str:
    """A digest of the contents of these files and some further text."""
    digest = hashlib.sha256("\0".join(more).encode())
    for file in files:
        digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def of_tree(folders: Iterable[Path]) -> str:
    """A digest of the names, sizes and times of all files below these folders."""
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            facts = file.stat()
            digest.update(f"{file}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def fresh(stamp: Path, digest: str) -> bool:
    """Whether the work behind this stamp was completed for this very input."""
    return stamp.exists() and stamp.read_text() == digest


def write(stamp: Path, digest: str) -> None:
    """Remember that the work is complete."""
    stamp.write_text(digest)
