"""Under every fault at once a shop ends with what a perfect observer would have sent, or later.

A short form of `python tests/soak`, which lets two thousand parcels live for two weeks.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from passes.world import World, configure, world
from soak.certificate import OPENSSL, unbelievable
from soak.oracle import Owed
from soak.shop import Plan, Shop, soak
from soak.verdict import METRICS, QUIET, out_of_order
from tracker_sync.sandbox.faults import TWISTS
from tracker_sync.sandbox.http import Request, Response, serve

A, OTHER, STRANGER = "1Z999AA10123456784", "1Z999AA10123456799", "00340434161094099999"
needs_openssl = pytest.mark.skipif(not OPENSSL, reason="no openssl here to make certificates")


@pytest.mark.timeout(120)
def test_under_all_faults_at_once_nothing_is_wrong_doubled_or_missing(tmp_path: Path) -> None:
    plan = Plan(seed=5, days=4, parcels=30, every=timedelta(hours=3), share=0.35, strangers=0.1)
    plan = replace(plan, waits=0.3, patience=timedelta(hours=36))  # few passes, and many fail

    soaked = soak(tmp_path, plan)

    kinds = {name for counts in soaked.faults.values() for name in counts}
    assert soaked.outcome.complaints == []
    assert soaked.out_of_order == []
    assert soaked.changed == 0
    assert len(kinds) > 15
    assert soaked.outcome.accepted.total() > 50


# -- Klaviyo is out for two days --------------------------------------------------


class Outage:
    """A shop that cannot reach Klaviyo for two days, and what it owed meanwhile."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.begins = shop.plan.end - timedelta(days=4)
        self.ends = self.begins + timedelta(days=2)
        self.known = self.ends - timedelta(hours=6)  # what happened before, carriers have told
        for now in shop.plan.moments():
            shop.klaviyo.outage = self.begins <= now < self.ends
            shop.live(now)
        self.told = {
            (event.email, METRICS[event.metric], event.time): at for event, at in shop.arrived
        }

    def arrived(self, one: Owed) -> datetime | None:
        """When a message arrived, if it did."""
        found = (self.told.get((one.email, one.kind, moment)) for moment in one.moments)
        return next(filter(None, found), None)

    def owed_meanwhile(self) -> list[Owed]:
        """What became due in the outage, long enough before its end to be known by then."""
        return [one for one in self.shop.owed() if self.begins <= one.due < self.known]

    def holds(self, one: Owed) -> bool:
        """Whether it was still so once Klaviyo was there again, and the night was over."""
        night = timedelta(hours=12) if one.kind in QUIET else timedelta(hours=2)
        lasts = one.kind in ("ready_for_pickup", "address_problem")
        fresh = lasts or one.at > self.ends - timedelta(hours=36)
        return fresh and (one.until is None or one.until > self.ends + night)

    def over(self, one: Owed) -> bool:
        """Whether it was no longer so for a day, and every carrier has been asked since."""
        told_once = not one.also_at
        return told_once and one.until is not None and one.until < self.ends - timedelta(days=1)


@pytest.mark.timeout(120)
def test_after_an_outage_of_two_days_all_that_still_holds_goes_and_nothing_else(
    tmp_path: Path,
) -> None:
    plan = Plan(seed=8, days=6, parcels=50, every=timedelta(hours=3), share=0, strangers=0)
    with ExitStack() as stack:
        outage = Outage(Shop(stack, tmp_path, plan))
        shop, owed = outage.shop, outage.owed_meanwhile()
        fates = shop.fates()

        still = [one for one in owed if outage.holds(one)]
        over = [one for one in owed if outage.over(one)]
        assert (len(still) > 10, len(over) > 10) == (True, True), (len(still), len(over))
        assert [one for one in still if outage.arrived(one) is None] == []
        assert [one for one in over if outage.arrived(one) is not None] == []
        reasons = {fates[(one.about, one.kind), one.at].reason.split(":")[0] for one in over}
        assert reasons <= {"overtaken", "the problem is over", "ready_for_pickup is over"}
        assert not [at for _, at in shop.arrived if outage.begins <= at < outage.ends]
        assert out_of_order(shop.arrived) == []
        assert shop.klaviyo.duplicates == []
        assert max(Counter(event.key for event, _ in shop.arrived).values()) == 1


# -- a stranger where a service stood --------------------------------------------------


@needs_openssl
@pytest.mark.parametrize("whose", ["carriers", "klaviyo"])
def test_nothing_is_said_to_somebody_with_a_wrong_certificate(
    shop: World, tmp_path: Path, whose: str
) -> None:
    heard: list[Request] = []
    seen: Counter[str] = Counter()

    def listen(request: Request) -> Response:
        heard.append(request)
        return Response(202)

    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h")
    true = dict(shop.urls)
    with serve(listen, tls=unbelievable(tmp_path, seen)) as stranger:
        shop.urls["ups" if whose == "carriers" else "klaviyo"] = stranger
        configure(shop, "ups")
        shop.run("3h")
    assert seen["greetings"] > 0
    assert heard == []
    assert shop.sent() == []

    shop.urls = true
    configure(shop, "ups")
    shop.runs("4h", "8h", "1h")

    assert shop.sent() == ["dispatched 2h"]
    assert shop.klaviyo.duplicates == []


def test_the_short_form_draws_from_every_kind_of_fault() -> None:
    """A kind that is added is in the soak without further ado."""
    from tracker_sync.sandbox.faults import Trouble, even

    assert set(even(0.1)) == set(Trouble)
    assert set(Trouble) >= TWISTS


# -- an answer about somebody else ---------------------------------------------------------


def test_a_parcel_whose_place_in_an_answer_another_one_took_is_not_called_unknown(
    tmp_path: Path,
) -> None:
    """The carrier knows it; not finding it would send the next question elsewhere."""
    numbers = [f"003404341610940{n:05}" for n in range(3)]
    with world(tmp_path, "dhl_parcel_de") as shop:
        shop.csv(*(f"{number};dhl;{number}@shop.example;{number}" for number in numbers))
        for number in (*numbers, STRANGER):
            shop.parcel(number, "dispatched 0h")
        answers = shop._dhl_parcel_de
        shop._dhl_parcel_de = lambda request: answers(  # type: ignore[method-assign]
            replace(request, query={"xml": request.query["xml"].replace(numbers[1], STRANGER)})
        )
        report = shop.run("1h")

        assert (report.counts["asked"], report.counts["failed"]) == (2, 1)
        assert report.counts["not_found"] == 0
        assert shop.status(numbers[1]) is None
        assert shop.status(numbers[2]) == "dispatched"


def test_an_answer_about_another_parcel_is_no_look_before_a_review(shop: World) -> None:
    """A delivery that was taken back would else never be heard of."""
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h", "delivered 26h", "out_for_delivery 50h", "delivered 54h")
    shop.run("3h")
    shop.run("27h")
    shop.parcel(OTHER, "dispatched 2h")
    true = shop._ups
    shop._ups = lambda request: true(replace(request, path=f"/x/{OTHER}"))  # type: ignore[method-assign]
    shop.runs("98h", "100h", "1h")
    assert shop.kinds() == ["dispatched", "delivered"]

    shop._ups = true  # type: ignore[method-assign]
    shop.runs("101h", "128h", "1h")

    assert shop.sent()[2:] == ["review_request 126h"]
