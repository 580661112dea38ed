"""The site's own settings with one address more."""

from __future__ import annotations

from campushub.settings import *  # noqa: F403 - Django reads every name of a settings module, so all are wanted

ROOT_URLCONF = "bench.first_try.urls"
