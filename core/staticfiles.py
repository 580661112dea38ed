"""Static files of the pages: which files of node_modules are published, and how they are named for caching.

Settings: `STATICFILES_FINDERS` has `core.staticfiles.VendorFinder` beside Django's two; outside tests
`STORAGES["staticfiles"]` is `core.staticfiles.HashedStorage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core import checks
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

#: Public folder, package folder, files. Only what the pages use: packages hold many times as much, and some
#: of their style sheets refer to pictures that are not there, which stops collectstatic.
VENDOR_FILES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("vendor/tabler/css", "@tabler/core/dist/css", ("tabler.min.css", "tabler.min.css.map")),
    (
        "vendor/inter",
        "@fontsource-variable/inter/files",
        ("inter-latin-wght-normal.woff2", "inter-latin-ext-wght-normal.woff2"),
    ),
    (
        "vendor/noto-telugu",
        "@fontsource/noto-sans-telugu/files",
        ("noto-sans-telugu-telugu-400-normal.woff2", "noto-sans-telugu-telugu-600-normal.woff2"),
    ),
    (
        "vendor/noto-devanagari",
        "@fontsource/noto-sans-devanagari/files",
        (
            "noto-sans-devanagari-devanagari-400-normal.woff2",
            "noto-sans-devanagari-devanagari-600-normal.woff2",
        ),
    ),
    ("vendor/zxing", "zxing-wasm/dist", ("es/share.js", "es/reader/index.js", "reader/zxing_reader.wasm")),
)


_MODULE_IMPORTS = CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Names carry the hash of their content, also where one of our scripts imports another.

    Django's switch for that, `support_js_module_import_aggregation`, reads every script there is and stops at
    examples in the comments of other people's; its patterns are therefore applied to what the pages load.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", _MODULE_IMPORTS),
        ("vendor/zxing/*.js", _MODULE_IMPORTS),
    )

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Only what pages ask for, which is the hashed names: compressing the plain copies doubles the time."""
        hashed = set(self.hashed_files.values())
        yield from super().compress_files([path for path in paths if path in hashed])


class VendorFinder(BaseFinder):
    """Finds the files of `VENDOR_FILES` where `npm ci` put them."""

    def __init__(self, *_args: Any, root: Path | None = None, **_kwargs: Any) -> None:
        self.root = root or Path(settings.BASE_DIR) / "node_modules"

    def check(self, **_kwargs: Any) -> list[checks.CheckMessage]:
        """One warning that names what is missing: pages without it look broken."""
        missing = [public for public, path in self._files() if not path.is_file()]
        if not missing:
            return []
        message = f"Front-end files are missing: {', '.join(missing)}."
        return [checks.CheckMessage(checks.WARNING, message, hint="Run `npm ci`.", id="core.W001")]

    def find(self, path: str, find_all: bool = False, **_kwargs: Any) -> Any:
        """The absolute path of a published file; an empty list when it is not one of ours."""
        for public, source in self._files():
            if public == path and source.is_file():
                return [str(source)] if find_all else str(source)
        return []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        """(name inside the package, storage whose prefix is the public folder), as collectstatic wants."""
        for prefix, package, names in VENDOR_FILES:
            storage = FileSystemStorage(location=self.root / package)
            storage.prefix = prefix  # type: ignore[attr-defined] # collectstatic reads it
            for name in names:
                if (self.root / package / name).is_file():
                    yield name, storage

    def _files(self) -> Iterator[tuple[str, Path]]:
        for prefix, package, names in VENDOR_FILES:
            for name in names:
                yield f"{prefix}/{name}", self.root / package / name
