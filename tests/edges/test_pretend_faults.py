"""Every kind of fault is what it says, over real sockets, and is met in the way that is meant."""

from __future__ import annotations

import json
import ssl
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from soak.certificate import OPENSSL, unbelievable
from tracker_sync.carriers import discover
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Reading, Status
from tracker_sync.sandbox.carriers import PretendCarriers, block
from tracker_sync.sandbox.faults import HUGE, ONLY_CARRIERS, Faults, Trouble, even
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sandbox.klaviyo import PRIVATE_KEY, PretendKlaviyo
from tracker_sync.sandbox.lives import Life, entry
from tracker_sync.sandbox.replies import Fault, faulty
from tracker_sync.wire import Limits, Timer, Wire

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
NUMBERS = ("00340434160010900018", "00340434160010900025", "00340434160010900032")
UPS, OTHER_UPS = "1ZTSYNC06800000016", "1ZTSYNC06800000025"
WORDS = ("label", "origin", "van", "delivered")
PATIENT = {Trouble.HANGS, Trouble.DRIPS}
MET = {
    Trouble.THROTTLED: Throttled,
    Trouble.THROTTLED_FOR_SECONDS: Throttled,
    Trouble.THROTTLED_UNTIL_DATE: Throttled,
    Trouble.BROKEN: Unavailable,
    Trouble.BAD_GATEWAY: Unavailable,
    Trouble.OUT: Unavailable,
    Trouble.GATEWAY_TIMEOUT: Unavailable,
    Trouble.CUT_BEFORE: Unavailable,
    Trouble.CUT_DURING: Unavailable,
    Trouble.HANGS: Unavailable,
    Trouble.DRIPS: Unavailable,
    Trouble.GARBAGE: Unreadable,
    Trouble.HTML: Unreadable,
    Trouble.HUGE: Unreadable,
}


def life(number: str, carrier: str = "dhl_parcel_de") -> Life:
    """A parcel that was delivered an hour ago."""
    began = NOON - timedelta(hours=len(WORDS))
    told = [entry(carrier, began + timedelta(hours=n), word) for n, word in enumerate(WORDS)]
    return Life(number, carrier, tuple(told))


LIVES = [*map(life, NUMBERS), life(UPS, "ups"), life(OTHER_UPS, "ups")]


@contextmanager
def always(trouble: Trouble, seed: int = 1) -> Iterator[tuple[PretendCarriers, Wire, str]]:
    """Carriers to which nothing else happens."""
    rough = Faults(seed, {trouble: 1.0}, slow=6.0)
    carriers = PretendCarriers(LIVES, now=NOON, rough=rough)
    wire = Wire("test", Timer(time.monotonic, time.sleep), limits=Limits(seconds=1.0))
    with carriers.serve() as url:
        try:
            yield carriers, wire, url
        finally:
            wire.close()


def ask(wire: Wire, url: str, *numbers: str, key: str = "dhl_parcel_de") -> list[Reading]:
    cls = discover()[key]
    return cls(cls.Config(**block(url)[key])).poll(wire, numbers, None)


@pytest.mark.parametrize("trouble", MET, ids=lambda trouble: trouble.name)
def test_a_fault_becomes_the_error_it_stands_for(trouble: Trouble) -> None:
    with always(trouble) as (carriers, wire, url):
        began = time.monotonic()
        with pytest.raises(MET[trouble]):
            ask(wire, url, NUMBERS[0])

        assert time.monotonic() - began < 5
        assert set(carriers.injected) == {trouble}
        carriers.rough = None
        assert ask(wire, url, NUMBERS[0])[0].scans


def test_every_kind_is_tried_here() -> None:
    tried = {*MET, Trouble.CUT_AFTER, Trouble.SWAPPED, Trouble.TOKEN_EXPIRED, *HARMLESS}

    assert tried == set(Trouble)


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [
        (Trouble.THROTTLED, None),
        (Trouble.THROTTLED_FOR_SECONDS, 120),
        (Trouble.THROTTLED_UNTIL_DATE, 3600),
    ],
)
def test_a_429_says_how_long_in_seconds_by_date_or_not_at_all(
    trouble: Trouble, seconds: float | None
) -> None:
    with always(trouble) as (_, wire, url), pytest.raises(Throttled) as caught:
        ask(wire, url, NUMBERS[0])

    assert caught.value.retry_after == seconds


def test_a_connection_cut_after_the_body_costs_the_answer_nothing() -> None:
    with always(Trouble.CUT_AFTER) as (carriers, wire, url):
        for number in NUMBERS:
            assert ask(wire, url, number)[0].scans[-1].status is Status.DELIVERED
            time.sleep(0.1)  # or the next question goes into the connection that is being closed

        assert carriers.injected[Trouble.CUT_AFTER] == 3


def test_200_megabytes_are_streamed_and_never_held() -> None:
    tracemalloc.start()
    try:
        with always(Trouble.HUGE) as (_, _, url), httpx.Client(timeout=60) as client:
            query = "/track/shipments?trackingNumber=1"
            with client.stream("GET", url + query) as response:
                size = sum(len(piece) for piece in response.iter_raw())
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert size == HUGE
    assert most < 20_000_000


# -- contents ---------------------------------------------------------------------------

HARMLESS = (Trouble.REPEATED, Trouble.REORDERED, Trouble.FLAPPING, Trouble.WITHDRAWN)


@pytest.mark.parametrize("trouble", HARMLESS, ids=lambda trouble: trouble.name)
def test_a_twisted_history_holds_no_scan_that_never_was(trouble: Trouble) -> None:
    true = {(made.at, made.code) for made in LIVES[0].entries}
    for seed in range(10):
        with always(trouble, seed) as (_, wire, url):
            [reading] = ask(wire, url, NUMBERS[0])

        found = {(scan.at, scan.code) for scan in reading.scans}
        assert found <= true
        if trouble in (Trouble.REPEATED, Trouble.REORDERED):
            assert found == true
        if trouble is Trouble.WITHDRAWN:
            assert reading.scans[-1].status is Status.OUT_FOR_DELIVERY


def test_repeated_events_stand_there_twice_and_reordered_ones_elsewhere() -> None:
    with always(Trouble.REPEATED) as (_, wire, url):
        assert len(ask(wire, url, NUMBERS[0])[0].scans) > len(WORDS)
    with always(Trouble.REORDERED, seed=2) as (carriers, _, url):
        key = block(url)["dhl_unified"]["api_key"]
        carriers.add(life(NUMBERS[0], "dhl_unified"))
        query = f"/track/shipments?trackingNumber={NUMBERS[0]}"
        answer = httpx.get(url + query, headers={"DHL-API-Key": key}).json()
    events = [event["timestamp"] for event in answer["shipments"][0]["events"]]
    assert events != sorted(events, reverse=True)
    assert answer["shipments"][0]["status"]["timestamp"] == max(events)


def test_a_swapped_answer_names_a_parcel_nobody_asked_about() -> None:
    with always(Trouble.SWAPPED) as (_, wire, url):
        readings = ask(wire, url, *NUMBERS[:2])
        told = {reading.number for reading in readings if reading.scans}
        assert len(told & set(NUMBERS[:2])) == 1
        assert told - set(NUMBERS[:2]) == {NUMBERS[2]}

    with always(Trouble.SWAPPED) as (carriers, wire, url):
        carriers.rough, rough = None, carriers.rough
        token = discover()["ups"](discover()["ups"].Config(**block(url)["ups"])).fetch_token(wire)
        carriers.rough = rough
        cls = discover()["ups"]
        readings = cls(cls.Config(**block(url)["ups"])).poll(wire, [UPS], token.value)
        assert [(reading.unanswered, reading.scans) for reading in readings] == [(True, ())]


def test_a_token_expires_in_the_middle_and_a_new_one_helps() -> None:
    cls = discover()["ups"]
    with always(Trouble.TOKEN_EXPIRED) as (carriers, wire, url):
        carrier = cls(cls.Config(**block(url)["ups"]))
        token = carrier.fetch_token(wire).value
        with pytest.raises(Rejected):
            carrier.poll(wire, [UPS], token)
        assert carriers.injected == {Trouble.TOKEN_EXPIRED: 1}

        carriers.rough = None
        assert carrier.poll(wire, [UPS], carrier.fetch_token(wire).value)[0].scans


def test_what_can_do_no_harm_is_not_counted() -> None:
    with always(Trouble.WITHDRAWN) as (carriers, wire, url):
        carriers.now = NOON - timedelta(hours=2)
        assert ask(wire, url, NUMBERS[0])[0].scans
        assert ask(wire, url, "00340434160010900117")[0].not_found

        assert not carriers.injected


# -- drawn by seed --------------------------------------------------------------------------


def request(path: str, body: bytes = b"") -> Request:
    return Request("GET", path, {}, {}, body)


def drawn(seed: int, paths: list[str], share: float = 0.3) -> Counter[str]:
    faults = Faults(seed, even(share))
    found = [(path, faults.on(request(path))) for path in paths]
    return Counter(f"{path} {fault[0]}" for path, fault in found if fault)


def test_the_same_seed_draws_the_same_faults_in_any_order() -> None:
    paths = [f"/{n}" for n in range(200)] * 3

    assert drawn(7, paths) == drawn(7, paths[::-1])
    assert drawn(7, paths) != drawn(8, paths)
    assert 100 < drawn(7, paths).total() < 260


def test_what_is_asked_again_may_fare_otherwise() -> None:
    faults = Faults(3, {Trouble.OUT: 0.5})

    assert {bool(faults.on(request("/same"))) for _ in range(30)} == {True, False}


# -- Klaviyo ------------------------------------------------------------------------------------


def event() -> bytes:
    metric = {"data": {"type": "metric", "attributes": {"name": "Shipment Delivered"}}}
    person = {"data": {"type": "profile", "attributes": {"email": "kunde-1@shop.invalid"}}}
    inside = {"metric": metric, "profile": person, "properties": {"a": 1}, "unique_id": "id-1"}
    return json.dumps({"data": {"type": "event", "attributes": inside}}).encode()


@pytest.mark.parametrize(
    "trouble", sorted(set(Trouble) - ONLY_CARRIERS - {Trouble.DRIPS}), ids=lambda t: t.name
)
def test_klaviyo_fails_in_each_way_and_takes_the_event_at_most_once(trouble: Trouble) -> None:
    klaviyo = PretendKlaviyo(rough=Faults(1, {trouble: 1.0}, slow=6.0), now=lambda: NOON)
    headers = {
        "Authorization": f"Klaviyo-API-Key {PRIVATE_KEY}",
        "revision": "2026-07-15",
        "Content-Type": "application/json",
    }
    wire = Wire("test", Timer(time.monotonic, time.sleep), limits=Limits(seconds=1.0))
    with klaviyo.serve() as url:

        def send() -> int:
            sent = httpx.Request("POST", f"{url}/api/events", headers=headers, content=event())
            try:
                return wire.send(sent).status_code
            except CallError:
                return 0

        first, klaviyo.rough = send(), None
        time.sleep(0.1)  # or it goes into a connection that is being closed
        second = send()
        wire.close()

    assert klaviyo.injected == {trouble: 1}
    assert first != 202 or trouble is Trouble.CUT_AFTER
    assert second == 202
    assert len(klaviyo.accepted) == 1


# -- the server -------------------------------------------------------------------------------


@pytest.mark.skipif(not OPENSSL, reason="no openssl here to make certificates")
def test_a_wrong_certificate_is_shown_and_never_believed(tmp_path: Path) -> None:
    heard: list[str] = []
    seen: Counter[str] = Counter()

    def listen(asked: Request) -> Response:
        heard.append(asked.path)
        return Response(200, {}, b"{}")

    wire = Wire("test", Timer(time.monotonic, time.sleep), limits=Limits(seconds=2))
    with serve(listen, tls=unbelievable(tmp_path, seen)) as url:
        with pytest.raises(Unavailable, match=r"no secure connection to 127\.0\.0\.1"):
            wire.send(httpx.Request("GET", f"{url}/secret"))
        assert (heard, seen["greetings"]) == ([], 1)

        believer = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
        with httpx.Client(verify=believer) as client:
            assert client.get(f"{url}/").json() == {}
    wire.close()


def test_a_server_that_drips_stops_at_once() -> None:
    began = time.monotonic()

    def swallow(url: str) -> None:
        with pytest.raises(httpx.TransportError):
            httpx.get(url, timeout=10)

    with serve(lambda _: Response(body=b"x" * 1000, drip=0.5)) as url:
        thread = threading.Thread(target=swallow, args=(url,))
        thread.start()
        time.sleep(0.1)
    thread.join()

    assert time.monotonic() - began < 3


def test_an_answer_cut_in_the_middle_has_announced_the_whole() -> None:
    whole = Response(200, {}, b"0123456789")
    half = faulty(Fault(stops_at=0.5), whole)

    assert (half.length, b"".join(half.pieces())) == (10, b"01234")
    assert faulty(Fault(stops_at=0.5), Response(202)).cut
