"""The wire: limits, pacing, retries, and no secret in anything it says."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from tracker_sync import __version__
from tracker_sync.errors import (
    CallError,
    Rejected,
    Throttled,
    Unavailable,
    Unreadable,
    UserError,
)
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.wire import Limits, Pacer, Timer, Wire, check, moved, retry_after

URL = "https://api.carrier.invalid/track?apiKey=s3cr3t"
SECRETS = ("s3cr3t", "hunter2", "apiKey", "kunde-1")


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def timer(self) -> Timer:
        return Timer(self.monotonic, self.sleep)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def real() -> Timer:
    return Timer(time.monotonic, time.sleep)


def request(url: str = URL) -> httpx.Request:
    headers = {"Authorization": "Bearer hunter2"}
    return httpx.Request("POST", url, headers=headers, content=b'{"email":"kunde-1"}')


def wire(clock: Clock, handler: Callable[[httpx.Request], httpx.Response], **more: object) -> Wire:
    return Wire("gls", clock.timer, transport=httpx.MockTransport(handler), **more)  # type: ignore[arg-type]


def failing(*failures: Exception | int) -> tuple[list[int], Callable[..., httpx.Response]]:
    """A handler that meets *failures* one after the other, then answers 200."""
    calls: list[int] = []

    def handler(_: httpx.Request) -> httpx.Response:
        calls.append(1)
        if len(calls) > len(failures):
            return httpx.Response(200, content=b"done")
        failure = failures[len(calls) - 1]
        if isinstance(failure, int):
            return httpx.Response(failure)
        raise failure

    return calls, handler


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Talk over plain sockets, one thread a connection."""
    server = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def converse(connection: socket.socket) -> None:
        with connection:
            try:
                talk(connection)
            except OSError:
                return

    def loop() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=converse, args=(connection,)))
            threads[-1].start()

    acceptor = threading.Thread(target=loop)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        acceptor.join()
        for thread in threads:
            thread.join()


# -- what is sent and what comes back ------------------------------------------


def test_the_whole_answer_comes_back_whatever_its_status(clock: Clock) -> None:
    gls = wire(clock, lambda _: httpx.Response(418, headers={"X-A": "1"}, json={"a": 1}))

    answer = gls.send(request())

    assert (answer.status_code, answer.json(), answer.headers["x-a"]) == (418, {"a": 1}, "1")


def test_calls_name_their_sender_and_keep_their_own_headers(clock: Clock) -> None:
    seen: list[httpx.Request] = []

    def handler(incoming: httpx.Request) -> httpx.Response:
        seen.append(incoming)
        return httpx.Response(200)

    wire(clock, handler).send(httpx.Request("GET", URL, headers={"Accept": "text/xml"}))

    assert seen[0].headers["user-agent"] == f"tracker-sync/{__version__}"
    assert seen[0].headers["accept"] == "text/xml"


def test_redirects_are_not_followed(clock: Clock) -> None:
    calls, handler = failing()

    def elsewhere(incoming: httpx.Request) -> httpx.Response:
        handler(incoming)
        return httpx.Response(302, headers={"Location": "https://evil.invalid/"})

    answer = wire(clock, elsewhere).send(request())

    assert answer.status_code == 302
    assert len(calls) == 1
    with pytest.raises(Unreadable, match="HTTP 302 Found: redirects are not followed"):
        check("gls", answer)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_packed_answers_are_unpacked(
    clock: Clock, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    def handler(_: Request) -> Response:
        return Response(200, {"Content-Encoding": encoding}, pack(b'{"a":1}'))

    with serve(handler) as base_url:
        here = Wire("gls", real())
        answer = here.send(request(base_url))
        here.close()

    assert answer.json() == {"a": 1}


def test_connections_are_kept_alive() -> None:
    accepted: list[int] = []

    def talk(connection: socket.socket) -> None:
        accepted.append(1)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
            if not received.endswith(b"}"):
                continue
            received = b""
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with raw_server(talk) as base_url:
        here = Wire("gls", real())
        answers = [here.send(request(base_url)).text for _ in range(3)]
        here.close()

    assert answers == ["ok"] * 3
    assert len(accepted) == 1


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    with serve(lambda _: Response(200, {}, b"direct")) as base_url:
        here = Wire("gls", real())
        answer = here.send(request(base_url))
        here.close()

    assert answer.text == "direct"


# -- limits ----------------------------------------------------------------------


def test_an_answer_larger_than_allowed_is_unreadable(clock: Clock) -> None:
    gls = wire(clock, lambda _: httpx.Response(200, content=b"x" * 101), limits=Limits(20, 100))

    with pytest.raises(Unreadable, match="larger than 100 bytes"):
        gls.send(request())


def test_a_gzip_bomb_is_counted_by_what_it_unpacks_to() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)

    with serve(lambda _: Response(200, {"Content-Encoding": "gzip"}, bomb)) as base_url:
        here = Wire("gls", real(), limits=Limits(max_bytes=1_000_000))
        with pytest.raises(Unreadable, match="larger"):
            here.send(request(base_url))
        here.close()


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        ({"Content-Encoding": "gzip"}, b"not gzip", "cannot be unpacked"),
        ({"Content-Encoding": "gzip, gzip"}, b"", "did not ask for"),
        ({"Content-Encoding": "br"}, b"", "did not ask for"),
    ],
)
def test_an_answer_that_cannot_be_unpacked_is_unreadable(
    headers: dict[str, str], body: bytes, words: str
) -> None:
    with serve(lambda _: Response(200, headers, body)) as base_url:
        here = Wire("gls", real())
        with pytest.raises(Unreadable, match=words):
            here.send(request(base_url))
        here.close()


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_dripping_server_cannot_hold_a_call_longer_than_its_deadline(start: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(start)
        while True:
            connection.sendall(b"a")
            time.sleep(0.05)

    with raw_server(talk) as base_url:
        here = Wire("gls", real(), limits=Limits(seconds=0.4))
        began = time.monotonic()
        with pytest.raises(Unavailable, match=r"took longer than 0\.4 s \(ReadTimeout\)"):
            here.send(request(base_url))
        here.close()

    assert time.monotonic() - began < 2


def test_a_silent_server_is_given_up_at_the_deadline() -> None:
    with serve(lambda _: Response(delay=30)) as base_url:
        here = Wire("gls", real(), limits=Limits(seconds=0.2))
        with pytest.raises(Unavailable, match="took longer"):
            here.send(request(base_url))
        here.close()


# -- retries ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
def test_a_call_that_never_reached_the_other_side_is_tried_three_times(
    clock: Clock, kind: type[httpx.TransportError]
) -> None:
    calls, handler = failing(kind("x"), kind("x"))

    answer = wire(clock, handler).send(request())

    assert answer.text == "done"
    assert len(calls) == 3
    assert len(clock.slept) == 2


def test_after_three_tries_the_error_is_told(clock: Clock) -> None:
    calls, handler = failing(*[httpx.ConnectError(URL)] * 5)

    with pytest.raises(Unavailable, match=r"carrier\.invalid failed \(ConnectError\)"):
        wire(clock, handler).send(request())

    assert len(calls) == 3


@pytest.mark.parametrize(
    "kind", [httpx.ReadTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError]
)
def test_a_call_that_may_have_arrived_is_repeated_only_if_repeatable(
    clock: Clock, kind: type[httpx.TransportError]
) -> None:
    calls, handler = failing(kind("x"))

    with pytest.raises(Unavailable):
        wire(clock, handler).send(request())
    assert len(calls) == 1

    calls, handler = failing(kind("x"))
    assert wire(clock, handler).send(request(), repeatable=True).text == "done"
    assert len(calls) == 2


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_passing_outage_is_waited_out_only_if_repeatable(clock: Clock, status: int) -> None:
    calls, handler = failing(status, status, status)
    assert wire(clock, handler).send(request()).status_code == status
    assert len(calls) == 1

    calls, handler = failing(status, status)
    assert wire(clock, handler).send(request(), repeatable=True).text == "done"

    calls, handler = failing(status, status, status)
    assert wire(clock, handler).send(request(), repeatable=True).status_code == status
    assert len(calls) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_other_statuses_are_never_repeated(clock: Clock, status: int) -> None:
    calls, handler = failing(status)

    assert wire(clock, handler).send(request(), repeatable=True).status_code == status
    assert len(calls) == 1


def test_no_try_begins_after_the_deadline(clock: Clock) -> None:
    calls, handler = failing(*[httpx.ConnectTimeout("x")] * 3)

    def slow(incoming: httpx.Request) -> httpx.Response:
        clock.now += 15
        return handler(incoming)

    with pytest.raises(Unavailable):
        wire(clock, slow).send(request())

    assert len(calls) == 2


def test_a_connection_closed_while_idle_is_not_mistaken_for_an_answer() -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)

    with raw_server(talk) as base_url:
        here = Wire("gls", real())
        with pytest.raises(Unavailable, match="RemoteProtocolError"):
            here.send(request(base_url))
        here.close()


# -- nothing leaks -----------------------------------------------------------------


def tls_failure() -> Exception:
    failure = httpx.ConnectError(f"[SSL] {URL}")
    failure.__cause__ = ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] {URL}")
    return failure


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (httpx.ConnectError(URL), Unavailable),
        (httpx.ReadTimeout(URL), Unavailable),
        (httpx.ReadError("hunter2"), Unavailable),
        (tls_failure(), Unavailable),
        (httpx.DecodingError(URL), Unreadable),
        (httpx.LocalProtocolError("Bearer hunter2"), Rejected),
        (httpx.UnsupportedProtocol(URL), Rejected),
        (httpx.InvalidURL(URL), Rejected),
        (UnicodeError(URL), Rejected),
        (OverflowError(URL), Rejected),
    ],
)
def test_no_failure_shows_url_key_or_body(
    clock: Clock, failure: Exception, error: type[CallError]
) -> None:
    _, handler = failing(*[failure] * 3)

    with pytest.raises(error) as caught:
        wire(clock, handler).send(request())

    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert "api.carrier.invalid" in told
    assert not [secret for secret in SECRETS if secret in told]
    assert caught.value.__context__ is None


def test_a_certificate_nobody_vouches_for_is_told_as_such(clock: Clock) -> None:
    calls, handler = failing(tls_failure())

    with pytest.raises(Unavailable, match="no secure connection to api"):
        wire(clock, handler).send(request())

    assert len(calls) == 1


def test_a_plain_server_on_a_secure_address_is_unavailable() -> None:
    with serve(lambda _: Response()) as base_url:
        here = Wire("gls", real())
        with pytest.raises(Unavailable, match="no secure connection to 127"):
            here.send(request(base_url.replace("http:", "https:")))
        here.close()


# -- pacing -------------------------------------------------------------------------


@pytest.mark.parametrize(("per_second", "waits"), [(0.2, [5.0, 5.0]), (4, [0.25, 0.25])])
def test_calls_keep_their_distance(clock: Clock, per_second: float, waits: list[float]) -> None:
    pacer = Pacer(per_second, clock.timer)
    _, handler = failing()
    gls = wire(clock, handler, pacer=pacer)

    for _ in range(3):
        gls.send(request())

    assert clock.slept == pytest.approx(waits)


def test_unpaced_calls_never_wait(clock: Clock) -> None:
    pacer = Pacer(None, clock.timer)

    for _ in range(3):
        pacer.wait()

    assert clock.slept == []


def test_threads_share_one_pace() -> None:
    pacer = Pacer(100, real())
    made: list[float] = []

    def work() -> None:
        for _ in range(5):
            pacer.wait()
            made.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 20
    assert max(made) - min(made) > 0.18


def test_waiting_for_ones_turn_does_not_use_up_the_deadline(clock: Clock) -> None:
    pacer = Pacer(0.01, clock.timer)
    _, handler = failing()
    gls = wire(clock, handler, pacer=pacer, limits=Limits(seconds=1))

    gls.send(request())

    assert gls.send(request()).text == "done"


# -- answers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (429, Throttled, "too many requests"),
        (500, Unavailable, "HTTP 500 Internal Server Error"),
        (503, Unavailable, "HTTP 503 Service Unavailable"),
        (524, Unavailable, "HTTP 524"),
        (408, Unavailable, "HTTP 408 Request Timeout"),
        (400, Rejected, "HTTP 400 Bad Request"),
        (401, Rejected, "HTTP 401 Unauthorized: check the credentials"),
        (403, Rejected, "HTTP 403 Forbidden: check the credentials"),
    ],
)
def test_an_error_status_is_an_error(status: int, error: type[CallError], text: str) -> None:
    with pytest.raises(error) as caught:
        check("gls", httpx.Response(status, content=b"hunter2"))

    assert caught.value.text == text
    assert getattr(caught.value, "status", status) == status


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_good_status_is_none(status: int) -> None:
    check("gls", httpx.Response(status))


DATE = "Fri, 20 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "Fri, 20 Nov 2026 10:01:30 GMT", "Date": DATE}, 90),
        ({"Retry-After": "Fri, 20 Nov 2026 09:00:00 GMT", "Date": DATE}, 0),
        ({"Retry-After": "Fri, 20 Nov 2026 10:01:30 -0000", "Date": DATE}, 90),
        ({"Retry-After": "Fri, 20 Nov 2026 10:01:30 GMT"}, None),
        ({"Retry-After": "Fri, 20 Nov 2026 10:01:30 GMT", "Date": "yesterday"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "1e999"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(httpx.Response(429, headers=headers)) == seconds


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (None, "https://api.x.invalid/a/b?c=1&d=%20"),
        ("", "https://api.x.invalid/a/b?c=1&d=%20"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/a/b?c=1&d=%20"),
        ("http://127.0.0.1:8080/ignored/", "http://127.0.0.1:8080/a/b?c=1&d=%20"),
        ("https://[::1]:8443", "https://[::1]:8443/a/b?c=1&d=%20"),
        ("https://sandbox.x.invalid", "https://sandbox.x.invalid/a/b?c=1&d=%20"),
    ],
)
def test_moved_replaces_scheme_host_and_port(base_url: str | None, url: str) -> None:
    assert moved("https://api.x.invalid/a/b?c=1&d=%20", base_url) == url


@pytest.mark.parametrize(
    "base_url", ["localhost:8080", "ftp://x", "https://", "http://x:99999", "http://[1", "x"]
)
def test_a_base_url_that_is_none_is_told(base_url: str) -> None:
    with pytest.raises(UserError, match='must look like "https://host"'):
        moved("https://api.x.invalid/a", base_url)
