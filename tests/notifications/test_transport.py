"""Asking addresses that somebody else chose: no private ones, no redirects, no endless answers."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from notifications import transport
from tests.notifications.servers import Receiver


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """From now on every name has these addresses; the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_how: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(transport.socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.8"], ["93.184.216.34", "192.168.1.1"], ["224.0.0.1"], ["100.64.0.1"]],
)
def test_a_name_that_leads_inside_is_refused_also_when_it_leads_elsewhere_as_well(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    resolve(monkeypatch, *addresses)
    with pytest.raises(transport.Refused, match="private network"):
        transport.post("https://hook.example.edu/", body=b"{}", headers={})


def test_the_connection_goes_to_what_was_looked_at_and_the_name_is_asked_once(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = receiver.server_address[1]
    # Whoever answered first with a public address and then with another would be asked a second time.
    monkeypatch.setattr(
        transport.socket, "create_connection", _only_literals(transport.socket.create_connection)
    )
    asked = resolve(monkeypatch, "127.0.0.1")
    assert transport.post(f"http://hook.example.edu:{port}/", body=b"{}", headers={}) == 200
    assert asked == ["hook.example.edu"]
    ((_path, headers, _body),) = receiver.got
    assert headers["Host"] == f"hook.example.edu:{port}"


def _only_literals(real: Any) -> Any:
    def create_connection(address: Any, *args: Any) -> Any:
        sock = socket.socket()
        sock.settimeout(5)
        assert address[0] == "127.0.0.1"
        sock.connect(address)
        return sock

    return create_connection


def test_a_redirect_is_an_answer_and_nobody_follows_it(receiver: Receiver) -> None:
    receiver.status, receiver.extra = 302, {"Location": receiver.url}
    assert transport.post(receiver.url, body=b"{}", headers={}) == 302
    assert len(receiver.got) == 1


def test_of_an_endless_answer_only_the_beginning_is_read(receiver: Receiver) -> None:
    receiver.size = 50 * transport.MOST_BYTES
    assert transport.post(receiver.url, body=b"{}", headers={}) == 200


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_trickles_is_cut_off(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(transport, "TOTAL", 0.5)
    receiver.trickle = part
    begun = time.monotonic()
    with pytest.raises(transport.Unreachable):
        transport.post(receiver.url, body=b"{}", headers={})
    assert time.monotonic() - begun < transport.STEP


def test_whoever_takes_the_connection_and_says_nothing_is_not_waited_for(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOKS_TO_PRIVATE_NETWORKS = True
    monkeypatch.setattr(transport, "STEP", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(transport.Unreachable):
            transport.post(f"http://127.0.0.1:{silent.getsockname()[1]}/", body=b"{}", headers={})


def test_what_is_no_http_and_what_is_no_tls_is_unreachable(receiver: Receiver) -> None:
    secure = receiver.url.replace("http://", "https://")
    with pytest.raises(transport.Unreachable):
        transport.post(secure, body=b"{}", headers={})
    with pytest.raises(transport.Unreachable):
        transport.post("http://127.0.0.1:1/", body=b"{}", headers={})
