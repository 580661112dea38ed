"""One site for the tests of this folder; each of them finds it whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.sites import Site, site


@pytest.fixture(scope="session")
def shared_site() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.fixture
def running(shared_site: Site) -> Iterator[Site]:
    """PostgreSQL, Valkey and the web process run; what else a test starts ends with it."""
    yield shared_site
    shared_site.start_servers()
    for name in shared_site.running.keys() - {"web"}:
        shared_site.stop(name)
    if "web" not in shared_site.running:
        shared_site.start_web()
