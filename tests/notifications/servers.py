"""A mail server and a receiver of webhooks on loopback, which do what a test wants of them."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks SMTP (RFC 5321), keeps what it takes, and answers the commands named in `answers` with these lines.

    With `hold` set to a command it stops there, after it has done what it was told and before it says so, until the
    test sets `go_on`.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SmtpSession)
        self.taken: list[bytes] = []
        self.answers: dict[str, str] = {}
        self.hold = ""
        self.held, self.go_on = threading.Event(), threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.taken]  # type: ignore[misc] # the policy makes them so

    @property
    def addressees(self) -> list[str]:
        return sorted(str(mail["To"]) for mail in self.mails)


class _SmtpSession(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline():
            word = line.decode("latin-1").split(":")[0].split()[0].upper() if line.strip() else ""
            answer = self.server.answers.get(word)
            if answer is None and word == "DATA":
                self._say("354 go on")
                self.server.taken.append(self._message())
                answer = self.server.answers.get("TAKEN", "250 taken")
            if self.server.hold == word:
                self.server.held.set()
                self.server.go_on.wait(30)
            try:
                self._say(answer or ("221 bye" if word == "QUIT" else "250 ok"))
            except OSError:
                return
            if word == "QUIT" or (answer or "").startswith("421"):
                return

    def _message(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it, and answers `status`; a `trickle`, head or body, goes on for ever, bit by bit."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.extra: dict[str, str] = {}
        self.size = 0
        self.trickle = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?x=1"


class _Hook(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        try:
            if self.server.trickle:
                self._trickle()
            self.send_response(self.server.status)
            for name, value in self.server.extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(self.server.size))
            self.end_headers()
            self.wfile.write(b"x" * self.server.size)
        except OSError:
            # Whoever asked has hung up, which is what some tests are about.
            self.close_connection = True

    def do_GET(self) -> None:
        raise AssertionError("nobody follows a redirect")

    def _trickle(self) -> None:
        begin, more = {
            "head": (b"HTTP/1.1 200 OK\r\n", b"X-Patience: more\r\n"),
            "body": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x"),
        }[self.server.trickle]
        self.wfile.write(begin)
        while True:
            self.wfile.write(more)
            self.wfile.flush()
            time.sleep(0.1)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        if isinstance(server, MailServer):
            server.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
