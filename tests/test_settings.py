"""Production starts only when it is safe, and the repository holds nothing that would have to be kept secret."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

_RANDOM = base64.b64encode(bytes(range(7, 39))).decode()

PRODUCTION = {
    "CAMPUSHUB_ENV": "production",
    "SECRET_KEY": "j3K9-vQ2xR7mT5bW8nZ4cF6hL1pD0sGyUaEoIqJkMwXzNtBrVbHd",
    "ENCRYPTION_KEYS": f"k1:{_RANDOM}",
    "BLIND_INDEX_KEY": _RANDOM,
    "AUDIT_SEAL_KEY": _RANDOM,
    "PUBLIC_URL": "https://campus.example.edu",
    "DATABASE_URL": "postgres://app:unused@127.0.0.1:1/campushub",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
#: What nobody may commit. Examples are recognised by being short, empty or in capitals.
_SECRETS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s*\n\s*[A-Za-z0-9+/]{20}"),
    "a key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of a code host": re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|glpat-[\w-]{20}|github_pat_\w{40})"
    ),
    "a token of a chat or payment service": re.compile(r"\b(?:xox[abprs]-[\w-]{20}|sk_live_\w{16})"),
    "an encryption key": re.compile(r"\bk\d+:[A-Za-z0-9+/]{43}="),
    "a setting's secret": re.compile(
        r"^\s*(?:export\s+)?(?:SECRET_KEY|BLIND_INDEX_KEY|AUDIT_SEAL_KEY|\w*PASSWORD)=[\"']?[\w+/=-]{16,}",
        re.M,
    ),
    "a password in an address": re.compile(
        r"\b(?:postgres(?:ql)?|redis|smtps?|amqps?)://[\w.%-]*:(?=[\w%-]*\d)(?=[\w%-]*[a-z])[\w%-]{16,}@"
    ),
    "a signed token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}"),
}


def django(*arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """`manage.py` under the production settings, with some variables changed or (None) left out."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "HOME", "LANG"} or name.startswith("COVERAGE_")
    }
    wanted = {**PRODUCTION, **changes}
    environment |= {name: value for name, value in wanted.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-m", "django", *arguments, "--settings", "campushub.settings"],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_deployment_check_finds_nothing_in_production() -> None:
    done = django("check", "--deploy", "--fail-level", "WARNING")

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
    assert "(0 silenced)" in done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", None),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "change-me"),
        ("SECRET_KEY", "insecure"),
        ("SECRET_KEY", "too-short-" + "x7Yq" * 5),
        ("SECRET_KEY", "a" * 60),
        ("ENCRYPTION_KEYS", None),
        ("ENCRYPTION_KEYS", ""),
        ("ENCRYPTION_KEYS", "k1:change-me"),
        ("ENCRYPTION_KEYS", "k1:" + base64.b64encode(b"short").decode()),
        ("ENCRYPTION_KEYS", "k1:" + base64.b64encode(bytes(32)).decode()),
        ("BLIND_INDEX_KEY", None),
        ("BLIND_INDEX_KEY", base64.b64encode(bytes(32)).decode()),
        ("AUDIT_SEAL_KEY", None),
        ("AUDIT_SEAL_KEY", "not base64!"),
        ("PUBLIC_URL", None),
        ("PUBLIC_URL", "campus.example.edu"),
        ("PUBLIC_URL", "http://campus.example.edu"),
        ("CLOCK_SHIFT_SECONDS", "3600"),
        ("CLOCK_SHIFT_SECONDS", "an hour"),
        ("ENCRYPTION_KEYS", "k 1:" + _RANDOM),
        ("ENCRYPTION_KEYS", "k1:" + base64.b64encode(bytes(range(33))).decode()),
        ("EMAIL_URL", "smpt://mail.example.edu"),
        ("DATABASE_URL", None),
        ("DATABASE_URL", "sqlite:///campus.db"),
        ("REDIS_URL", None),
        ("CAMPUSHUB_ENV", "prod"),
    ],
)
def test_production_refuses_to_start_and_says_which_variable_is_wrong(name: str, value: str | None) -> None:
    refused = django("check", **{name: value})

    assert refused.returncode != 0
    last = refused.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert name in last
    if value and name.endswith(("KEY", "KEYS")):
        # Those two are words that stand in the refusal anyway.
        assert value in {"insecure", "change-me"} or value not in refused.stderr, (
            "the refusal repeats the secret"
        )


@pytest.mark.parametrize("environment", [None, "production", "development", "test"])
def test_debug_is_off_whatever_the_environment_says(environment: str | None) -> None:
    said = django(
        "shell",
        "--no-imports",
        "-c",
        "from django.conf import settings; print(settings.ENVIRONMENT, settings.DEBUG)",
        CAMPUSHUB_ENV=environment,
        DEBUG="1",
        DJANGO_DEBUG="true",
    )

    assert said.stdout.split() == [environment or "production", "False"], said.stderr


def told(names: str, **changes: str | None) -> list[object]:
    """The values of these settings, in order."""
    script = (
        "import json; from django.conf import settings;"
        f"print(json.dumps([getattr(settings, name, None) for name in {names.split()}]))"
    )
    said = django("shell", "--no-imports", "-c", script, **changes)
    assert said.returncode == 0, said.stderr
    return list(json.loads(said.stdout))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.edu", ["smtp", "mail.example.edu", 25, "", "", False, False]),
        (
            "smtps://office%40example.edu:p%2Fw@mail.example.edu",
            ["smtp", "mail.example.edu", 465, "office@example.edu", "p/w", False, True],
        ),
        (
            "smtp+starttls://u:p@mail.example.edu",
            ["smtp", "mail.example.edu", 587, "u", "p", True, False],
        ),
        ("smtps://u:p@mail.example.edu:2525", ["smtp", "mail.example.edu", 2525, "u", "p", False, True]),
    ],
)
def test_mail_goes_where_its_address_says(url: str, expected: list[object]) -> None:
    names = (
        "EMAIL_BACKEND EMAIL_HOST EMAIL_PORT EMAIL_HOST_USER EMAIL_HOST_PASSWORD EMAIL_USE_TLS EMAIL_USE_SSL"
    )
    backend, *others = told(names, EMAIL_URL=url)
    assert [str(backend).split(".")[-2], *others] == expected


@pytest.mark.parametrize(("value", "exempt"), [("1", True), ("", False), ("yes", False), (None, False)])
def test_readers_may_use_plain_http_only_where_somebody_said_so(value: str | None, exempt: bool) -> None:
    (patterns,) = told("SECURE_REDIRECT_EXEMPT", READERS_OVER_HTTP=value)

    for address in ("iclock/cdata", "r/a-key/iclock/getrequest"):
        assert any(re.match(pattern, address) for pattern in patterns) is exempt  # type: ignore[union-attr, attr-defined] # a list
    for address in ("", "admin/", "api/v1/attendance/device-events/", "s/iclock/", "r/a/b/iclock/cdata"):
        assert not any(re.match(pattern, address) for pattern in patterns)  # type: ignore[attr-defined] # a list


def test_without_an_address_mail_becomes_files(tmp_path: Path) -> None:
    backend, folder = told("EMAIL_BACKEND EMAIL_FILE_PATH", EMAIL_URL=None, VAR_DIR=str(tmp_path))
    assert backend == "core.mail.FolderBackend"
    assert folder == str(tmp_path / "mail")


@pytest.mark.parametrize(("dsn", "active"), [("https://key@127.0.0.1:1/1", True), (None, False)])
def test_errors_are_reported_elsewhere_only_when_that_place_is_set_and_without_personal_data(
    dsn: str | None, active: bool
) -> None:
    script = (
        "import sentry_sdk; client = sentry_sdk.get_client();"
        "print(client.is_active(), bool(client.options.get('send_default_pii')))"
    )
    said = django("shell", "--no-imports", "-c", script, SENTRY_DSN=dsn)
    assert said.stdout.split() == [str(active), "False"], said.stderr


#: Set by our own commands for their children, never by the people of a site.
_INTERNAL = {"CAMPUSHUB_DB_ROLE", "TEST_DATABASE_NAME"}


def test_every_setting_stands_in_the_example() -> None:
    source = (settings.BASE_DIR / "campushub" / "settings.py").read_text()
    read = set(re.findall(r"\benv\.\w+\(\s*\"([A-Z_]+)\"", source))
    shown = set(re.findall(r"^(?:# )?([A-Z_]+)=", (settings.BASE_DIR / ".env.example").read_text(), re.M))

    assert {"SECRET_KEY", "METRICS_NETWORKS"} <= read
    assert read - shown == _INTERNAL


def tracked() -> Iterator[tuple[Path, str]]:
    """Every text file of the repository with what stands in it now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = settings.BASE_DIR / name
        if not path.is_file():
            continue
        raw = path.read_bytes()
        if b"\0" not in raw:
            yield path.relative_to(settings.BASE_DIR), raw.decode(errors="replace")


def test_the_repository_holds_no_secret() -> None:
    own = [
        value
        for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "BLIND_INDEX_KEY", "AUDIT_SEAL_KEY")
        if len(value := os.environ.get(name, "")) >= 32
    ] + [value for value in (settings.DATABASE_APP_PASSWORD,) if len(value) >= 16]
    found = [
        f"{path}: {what}"
        for path, text in tracked()
        for what, pattern in _SECRETS.items()
        if pattern.search(text)
    ]
    found += [
        f"{path}: a secret of this installation" for path, text in tracked() for value in own if value in text
    ]

    assert found == []


@pytest.mark.parametrize("name", [".env", "var/keys.json", "var/test-1/keys.json", "var/.env"])
def test_git_overlooks_what_holds_secrets(name: str) -> None:
    ignored = subprocess.run(["git", "check-ignore", "--quiet", name], cwd=settings.BASE_DIR, check=False)

    assert ignored.returncode == 0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEpAIBAAKCAQEAx0x0x0x0x0", "a private key"),
        ("AKIA" + "A1B2C3D4E5F6G7H8", "a key of a cloud"),
        ("ENCRYPTION_KEYS=k1" + ":" + _RANDOM, "an encryption key"),
        ("SECRET_KEY" + "=" + PRODUCTION["SECRET_KEY"], "a setting's secret"),
        ("postgres" + "://app:Zq3xT9bW2nK7mR5v@db/campushub", "a password in an address"),
    ],
)
def test_the_scan_knows_a_secret_when_it_sees_one(text: str, what: str) -> None:
    assert _SECRETS[what].search(text)
