"""A small HTTP server on loopback, to put pretend services on."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """What came in; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """What goes out: after `delay` seconds, or not at all if the connection is `cut`.

    `size` repeats the body up to so many bytes, never held in memory; `drip` waits so many seconds
    before each byte of it; `stops_at` ends the connection after so many bytes of it.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    cut: bool = False
    size: int | None = None
    drip: float = 0.0
    stops_at: int | None = None

    @property
    def length(self) -> int:
        """Bytes of the body, as the head announces them."""
        return len(self.body) if self.size is None else self.size

    def pieces(self) -> Iterator[bytes]:
        """Yield what goes out of the body, piece by piece."""
        left = self.length if self.stops_at is None else min(self.stops_at, self.length)
        if self.drip:
            yield from (self.body[place : place + 1] for place in range(left))
            return
        while left > 0 and self.body:
            yield self.body[:left]
            left -= len(self.body)


Handler = Callable[[Request], Response]

_HANDSHAKE_SECONDS = 5.0


@contextmanager
def serve(
    routes: Mapping[str, Handler] | Handler, *, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve *routes* and give the base URL, without a slash at its end.

    A route is a path, or the beginning of paths if it ends with a slash; the longest one that fits
    wins, and nothing fits gives 404. A single handler answers everything. With *tls* it is spoken,
    and its certificate shown.
    """
    server = _Server(routes if isinstance(routes, Mapping) else {"/": routes}, tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.stop()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for the threads
    request_queue_size = 128

    def __init__(self, routes: Mapping[str, Handler], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.routes = routes
        self.tls = tls
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away, or would not believe our certificate."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """End every conversation, also those kept alive or waiting, and free the port."""
        self.stopping.set()
        self.shutdown()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def route(self, path: str) -> Handler:
        """Find the handler of *path*."""
        if path in self.routes:
            return self.routes[path]
        fitting = [key for key in self.routes if key.endswith("/") and path.startswith(key)]
        return self.routes[max(fitting, key=len)] if fitting else _nothing_here


class _Conversation(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        if self.server.tls:
            self.request.settimeout(_HANDSHAKE_SECONDS)
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        with suppress(OSError):  # the other side went away, as clients under test do
            super().handle()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        if self.server.tls:
            self.request.close()

    def _answer(self) -> None:
        target = urlsplit(self.path)
        request = Request(
            self.command,
            target.path,
            dict(parse_qsl(target.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        response = self.server.route(target.path)(request)
        if response.delay:
            self.server.stopping.wait(response.delay)
        if response.cut or self.server.stopping.is_set():
            self.close_connection = True
            return
        self._write(response)

    def _write(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(response.length))
        self.end_headers()
        for piece in response.pieces() if self.command != "HEAD" else ():
            if response.drip and self._stopped_in(response.drip):
                break
            self.wfile.write(piece)
        self.close_connection = self.close_connection or response.stops_at is not None

    def _stopped_in(self, seconds: float) -> bool:
        self.wfile.flush()
        return self.server.stopping.wait(seconds)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  names of the base

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name in the base
        """Say nothing."""


def _nothing_here(request: Request) -> Response:
    return Response(404, {"Content-Type": "text/plain"}, b"not found")
