"""The one place from which we ask addresses that somebody else chose: webhooks.

Such an address may be meant to make us ask what only we can reach (server-side request forgery). So the name is
looked up here, every address that it has must be public, and the connection goes to one of just those, not to what a
second look-up might say. No redirect is followed, no proxy of the environment used, and neither the time nor the size
of an answer is up to the receiver.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

#: Seconds for one step (connecting, a read), and for everything together.
STEP, TOTAL = 10.0, 20.0
#: Of an answer so much is read, so that the connection ends in good order; the rest is nobody's business.
MOST_BYTES = 64 * 1024
#: IPv4 behind a translator (RFC 6052), and such prefixes of a network's own (RFC 8215).
_NAT64, _NAT64_LOCAL = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48")


class Refused(Exception):
    """An address to which we do not send; the message is for people."""


class Unreachable(Exception):
    """Nobody answered, or not in HTTP, or not in time."""


def judge(url: str) -> SplitResult:
    """The parts of an address that may be a webhook's, as far as its text tells. Raises Refused."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused(_("it is no address such as https://example.edu/hook")) from None
    if parts.scheme not in {"https", "http"} or not parts.hostname or any(char <= " " for char in url):
        raise Refused(_("it is no address such as https://example.edu/hook"))
    if parts.scheme != "https" and settings.PRODUCTION:
        raise Refused(_("it has to begin with https://"))
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Refused(_("it must hold no user name, password or fragment"))
    if not url.isascii() or port == 0:
        raise Refused(_("it is no address such as https://example.edu/hook"))
    _judge_literal(parts.hostname)
    return parts


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> int:
    """The HTTP status that the receiver answers. Raises Refused, Unreachable."""
    parts = judge(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _address_of(str(parts.hostname), port)
    connection = _Pinned(parts, port, address)
    # Timeouts of sockets begin anew with every byte: this ends what trickles.
    watch = threading.Timer(TOTAL, connection.cut)
    watch.daemon = True
    watch.start()
    try:
        path = parts.path or "/"
        connection.request("POST", f"{path}?{parts.query}" if parts.query else path, body, dict(headers))
        answer = connection.getresponse()
        answer.read(MOST_BYTES)
        if connection.was_cut:
            # What was cut off looks like what has ended.
            raise Unreachable(f"no answer within {TOTAL:g} s")
        return answer.status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error
    finally:
        watch.cancel()
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to one address that was looked at before; TLS asks for the certificate of the name all the same."""

    def __init__(self, parts: SplitResult, port: int, address: str) -> None:
        super().__init__(str(parts.hostname), port, timeout=STEP)
        self._secure, self._address = parts.scheme == "https", address
        # http.client lets go of `sock` as soon as the head of an answer says that it will close.
        self._wire: socket.socket | None = None
        self.was_cut = False

    def connect(self) -> None:
        self.sock = self._wire = socket.create_connection((self._address, self.port), self.timeout)
        if self._secure:
            secure = ssl.create_default_context()
            # Known before the handshake, so that one that trickles can be cut off as well.
            self.sock = self._wire = secure.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()

    def cut(self) -> None:
        """End it whatever it does."""
        self.was_cut = True
        if self._wire is not None:
            # It may have ended by itself a moment before.
            with suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)


def _judge_literal(host: str) -> None:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return
    _judge_address(str(found))


def _address_of(host: str, port: int) -> str:
    """The first of the host's addresses, all of which must be public: else a name with one of each would do."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host}: {error}") from error
    addresses: list[Any] = [entry[4][0] for entry in found]
    for address in addresses:
        _judge_address(address)
    return str(addresses[0])


def _judge_address(address: str) -> None:
    if settings.WEBHOOKS_TO_PRIVATE_NETWORKS:
        return
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    if found.version == 6 and found in _NAT64:
        # What a translator makes of an IPv4 address.
        mapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    inside = not found.is_global or found.is_multicast or getattr(found, "is_site_local", False)
    if inside or found in _NAT64_LOCAL or (mapped is not None and not mapped.is_global):
        raise Refused(_("{address} lies in a private network").format(address=address))
