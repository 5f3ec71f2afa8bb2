"""Sockets that obey a deadline, down to every read.

httpx and httpcore know timeouts for each phase only: a server that drips one byte of its headers
every few seconds would hold a worker for ever. Here every wait ends at the deadline at the latest.
Imported with the first client: a pass that makes no call needs neither library.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from functools import cache
from typing import Any

import httpcore
import httpx

from tracker_sync.wire.deadline import Deadline

_READ_BYTES = 16_384  # so that one piece of a gzip bomb unpacks to 17 MB at most
_IDLE_SECONDS = 15.0


class Transport(httpx.HTTPTransport):
    """httpx's own transport over one connection a host, with sockets that obey a deadline.

    A worker asks one question at a time. A pool would look for connections that cannot be there,
    and that is a fifth of what a call costs.
    """

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        self._pool = _Connections(deadline)  # type: ignore[assignment]  # as much of one as is used


class _Connections:
    """The connection to each host: opened when it is needed, and used as long as it lasts."""

    def __init__(self, deadline: Deadline) -> None:
        self._backend = _Backend(deadline)
        self._open: dict[str, httpcore.HTTPConnection] = {}

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Ask over the connection that is open, else over a new one."""
        origin = request.url.origin
        if origin.scheme not in (b"http", b"https"):
            raise httpcore.UnsupportedProtocol("neither http nor https")
        kept = self._open.get(str(origin))
        if kept is None or not kept.is_available() or kept.has_expired():
            if kept is not None:
                kept.close()
            kept = self._open[str(origin)] = httpcore.HTTPConnection(
                origin,
                ssl_context=_tls(),
                keepalive_expiry=_IDLE_SECONDS,
                network_backend=self._backend,
            )
        return kept.handle_request(request)

    def close(self) -> None:
        """Give the connections back."""
        for kept in self._open.values():
            kept.close()
        self._open.clear()


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = self._deadline.cut(timeout, httpcore.ConnectTimeout)
        stream = self._sockets.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self._deadline)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        timeout = self._deadline.cut(timeout, httpcore.ReadTimeout)
        return self._stream.read(min(max_bytes, _READ_BYTES), timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.cut(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = self._deadline.cut(timeout, httpcore.ConnectTimeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@cache
def _tls() -> ssl.SSLContext:
    """The one SSL context of the process: making one costs ten milliseconds or more."""
    return httpx.create_ssl_context(trust_env=False)
