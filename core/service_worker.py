"""The service worker of the site: which files it keeps on a device, and the page it shows when nothing else is there.

What it does stands in `static/js/service-worker.js`; what a version of the site consists of is told here. The script
is served from the root, because a worker sees only what lies below it. See decision 0013.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

WORKER = "js/service-worker.js"
#: What the pages of a class load, by name; what these scripts import is found by reading them.
ENTRIES = (
    "vendor/tabler/css/tabler.min.css",
    "css/tokens.css",
    "css/app.css",
    "css/error.css",
    "js/app.js",
    "js/device.js",
    "js/roster.js",
    "js/class-screen.js",
    "js/offline.js",
    "django_htmx/htmx-2.min.js",
    "vendor/inter/inter-latin-wght-normal.woff2",
    "img/icons.svg",
    "img/mark.svg",
    "img/icon-192.png",
)
# As in our scripts: `import … from "./x.js";`, `import "./x.js";` and `import("./x.js")`.
_IMPORT = re.compile(
    r"""^(?:import|export)\b[^;"']*["'](\.[^"']+)["'];|\bimport\(["'](\.[^"']+)["']\)""", re.MULTILINE
)


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """What this version consists of, and the script that keeps it. Another byte here replaces the worker."""
    known = _known_files() if _hashed() else _files()
    told = {
        # The page that is shown without a network is kept in the language it was fetched in.
        "version": hashlib.sha256(json.dumps([known, get_language()]).encode()).hexdigest()[:16],
        "files": [address for address, _content in known],
        # A name that carries the hash of its content can be answered without asking anybody.
        "immutable": _hashed(),
        "staticPath": settings.STATIC_URL,
        "fallback": reverse("offline"),
        "signOut": reverse("accounts:logout"),
    }
    script = f"self.campushub = {json.dumps(told)};\nimportScripts({json.dumps(static(WORKER))});\n"
    return HttpResponse(script, content_type="text/javascript", headers={"Cache-Control": "no-cache"})


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """What a browser shows without a network where it has kept nothing else."""
    return render(request, "offline.html")


def names() -> list[str]:
    """The static files that a class works with, by their plain names."""
    found: dict[str, None] = {}
    waiting = list(ENTRIES)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            waiting.extend(_imports(name))
    return list(found)


def _imports(name: str) -> Iterator[str]:
    if not name.startswith("js/"):
        return
    for match in _IMPORT.finditer(_read(name).decode()):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(name), match[1] or match[2]))


def _files() -> list[tuple[str, str]]:
    """(address, hash of the content) of each file, the worker's own script among them: it makes the version too."""
    return [(static(name), hashlib.sha256(_read(name)).hexdigest()) for name in (*names(), WORKER)]


#: Files under hashed names do not change while the process lives; reading them takes a few milliseconds.
_known_files = cache(_files)


def _hashed() -> bool:
    storage: Any = storages["staticfiles"]
    return isinstance(storage, ManifestFilesMixin)


def _read(name: str) -> bytes:
    # Where only what collectstatic gathered is installed, the plain copy lies beside the hashed one.
    found: Any = finders.find(name)
    return Path(found or storages["staticfiles"].path(name)).read_bytes()
