"""The site's own settings with one address more."""

from __future__ import annotations

from campushub.settings import *  # noqa: F403 - all of them

ROOT_URLCONF = "bench.first_try.urls"
