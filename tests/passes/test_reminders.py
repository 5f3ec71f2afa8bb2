"""A reminder speaks of now: the carrier is asked once more before it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from passes.world import DEFAULT_WISHES, World, configure, moment, spelled
from tracker_sync.sandbox.http import Response
from tracker_sync.sync import run_pass

A = "1Z999AA10123456784"
WISHES = f"{DEFAULT_WISHES}  pickup_reminder: {{delay: 3d}}\n"


@pytest.fixture
def waiting(shop: World, tmp_path: Path) -> World:
    """A shop whose parcel waits for its customer since 26h."""
    assert shop.folder == tmp_path
    configure(shop, "ups", wishes=WISHES)
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h", "ready_for_pickup 26h")
    quietly(shop, "1h", "97h", every="3h")
    return shop


def quietly(shop: World, first: str, last: str, *, every: str = "30m") -> None:
    """Passes in which only those are asked about whose time has come."""
    at = moment(first)
    while at <= moment(last):
        shop.now = at
        with shop.house() as house:
            run_pass(house, at)
        at += moment(every) - moment("0h")


def test_who_collected_an_hour_before_is_not_reminded(waiting: World) -> None:
    waiting.parcel(A, "collected 97.5h")

    quietly(waiting, "98h", "110h")

    assert "pickup_reminder" not in waiting.kinds()
    assert waiting.sent()[-1] == "delivered 97.5h"


def test_who_did_not_is_reminded_when_it_is_due(waiting: World) -> None:
    quietly(waiting, "98h", "98h")

    assert waiting.sent()[-1] == f"pickup_reminder {spelled(moment('98h'))}"


def test_a_carrier_that_does_not_answer_holds_a_reminder_up_for_a_day(waiting: World) -> None:
    waiting.carrier_faults = lambda _carrier, _call: Response(500, {}, b"")

    quietly(waiting, "98h", "121h", every="1h")
    assert "pickup_reminder" not in waiting.kinds()

    quietly(waiting, "122h", "122h")
    assert waiting.sent()[-1] == "pickup_reminder 98h"
