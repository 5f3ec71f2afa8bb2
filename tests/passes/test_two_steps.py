"""Polling in two steps over real passes: a glance at thirty parcels, a history where one moved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from passes.world import DEFAULT_WISHES, World
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sandbox.klaviyo import PRIVATE_KEY, PretendKlaviyo

CODES = {
    "dispatched": "EVPPA",
    "in_transit": "EVIMC",
    "out_for_delivery": "EVGPD",
    "delivery_failed": "EVKNA",
    "delivered": "EVKSP",
}
PARCELS = [f"TS{number:09d}GB" for number in range(60)]
MOVED = PARCELS[17]


@dataclass
class Post(World):
    """A world with a pretend Royal Mail; it notes what it is asked."""

    asked: list[str] = field(default_factory=list)
    away: set[str] = field(default_factory=set)  # numbers it cannot tell of just now
    broken: bool = False  # whether glances fail altogether

    def answer(self, carrier: str, request: Request) -> Response:
        """Answer as Royal Mail does; a glance by its query, a history by its path."""
        del carrier
        if request.path.endswith("/summary"):
            self.asked.append("glance")
            if self.broken:
                return _json(503, {"httpCode": "503", "errors": []})
            numbers = request.query["mailPieceId"].split(",")
            return _json(200, {"mailPieces": [self._piece(number) for number in numbers]})
        number = request.path.split("/")[-2]
        self.asked.append(number)
        if not self.life(number):
            return _json(404, {"httpCode": "404", "errors": [{"errorCode": "E1142"}]})
        events = [_event(at, word) for at, word in reversed(self.life(number))]
        return _json(200, {"mailPieces": {**self._piece(number), "events": events}})

    def _piece(self, number: str) -> dict[str, Any]:
        if number in self.away or not self.life(number):
            code = "E1307" if number in self.away else "E1142"
            return {"mailPieceId": number, "error": {"errorCode": code}}
        newest = _event(*self.life(number)[-1])
        last = {f"last{name[0].upper()}{name[1:]}": value for name, value in newest.items()}
        return {"mailPieceId": number, "summary": {"oneDBarcode": number, **last}}

    def pass_at(self, at: str) -> list[str]:
        """Run a pass; return what Royal Mail was asked in it."""
        self.asked.clear()
        self.run(at)
        return sorted(self.asked)


def _event(at: datetime, word: str) -> dict[str, str]:
    return {"eventCode": CODES[word], "eventDateTime": at.isoformat()}


def _json(status: int, payload: object) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(payload).encode())


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    """A shop whose sixty parcels Royal Mail knows since the pass at 3h."""
    klaviyo = PretendKlaviyo()
    shop = Post(tmp_path, klaviyo, {})
    with ExitStack() as stack:
        events = stack.enter_context(klaviyo.serve())
        carrier = stack.enter_context(serve(partial(shop.answer, "royalmail")))
        (tmp_path / "inbox").mkdir()
        (tmp_path / "shop.yaml").write_text(
            "shop: {id: muster-shop, name: Muster Shop, timezone: Europe/London, language: en}\n"
            "database: shop.db\n"
            'sources: [{type: csv, path: "inbox/*.csv"}]\n'
            "carriers:\n"
            f'  royalmail: {{client_id: a, client_secret: b, base_url: "{carrier}"}}\n'
            f'klaviyo: {{private_key: {PRIVATE_KEY}, base_url: "{events}"}}\n{DEFAULT_WISHES}',
            encoding="utf-8",
        )
        shop.run("0h")
        shop.csv(*(f"{number};royalmail;{number}@shop.example;{number}" for number in PARCELS))
        for number in PARCELS:
            shop.parcel(number, "dispatched 2h")
        assert shop.pass_at("3h") == PARCELS
        yield shop


def told(shop: Post) -> list[str]:
    return shop.sent(f"{MOVED}@shop.example")


def test_sixty_parcels_that_have_not_moved_cost_two_calls(post: Post) -> None:
    before = post.sent()

    assert post.pass_at("9h") == ["glance", "glance"]
    assert post.pass_at("15h") == ["glance", "glance"]
    assert post.sent() == before


def test_one_that_moved_costs_one_more_call_and_is_told(post: Post) -> None:
    post.parcel(MOVED, "in_transit 5h", "out_for_delivery 26h")

    assert post.pass_at("6h") == [MOVED, "glance", "glance"]
    assert post.pass_at("12h") == ["glance", "glance"]
    assert post.pass_at("27h") == [MOVED, "glance", "glance"]
    assert told(post) == ["dispatched 2h", "in_transit 5h", "out_for_delivery 26h"]


def test_what_happened_between_two_looks_is_not_lost(post: Post) -> None:
    """The glance shows the newest event alone: the failed attempt stands in the history."""
    post.parcel(MOVED, "out_for_delivery 26h", "delivery_failed 28h", "delivered 29h")

    assert post.pass_at("30h") == [MOVED, "glance", "glance"]
    assert [entry.split()[0] for entry in told(post)][-1] == "delivered"
    (row,) = post.rows(
        "SELECT COUNT(*) AS found FROM transitions t JOIN shipments s ON s.id = t.shipment_id"
        " WHERE s.number = ? AND t.word = 'delivery_failed'",
        MOVED,
    )
    assert row["found"] == 1


def test_a_glance_that_fails_says_nothing(post: Post) -> None:
    before = post.sent()
    post.broken = True

    assert set(post.pass_at("9h")) == {"glance"}
    assert post.sent() == before
    assert {post.status(number) for number in PARCELS} == {"dispatched"}


def test_a_number_that_cannot_be_told_of_just_now_says_nothing_and_holds_up_no_other(
    post: Post,
) -> None:
    post.away = {PARCELS[3]}
    post.parcel(MOVED, "in_transit 5h")

    assert post.pass_at("6h") == [MOVED, "glance", "glance"]
    assert post.status(PARCELS[3]) == "dispatched"
    assert told(post) == ["dispatched 2h", "in_transit 5h"]


def test_a_parcel_royal_mail_does_not_know_any_more_stays_as_it_is(post: Post) -> None:
    post.lives.pop(MOVED)

    assert post.pass_at("6h") == ["glance", "glance"]
    assert post.status(MOVED) == "dispatched"


def test_a_parcel_that_is_not_known_yet_is_looked_up_by_its_history(post: Post) -> None:
    new = "TS999999999GB"
    post.csv(f"{new};royalmail;new@shop.example;new")

    assert post.pass_at("4h") == [new, "glance", "glance"]
    post.parcel(new, "dispatched 5h")
    assert post.pass_at("6h") == [new, "glance", "glance"]
    assert post.sent("new@shop.example") == ["dispatched 5h"]
    assert post.pass_at("9h") == ["glance"] * 3
