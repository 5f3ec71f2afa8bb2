"""Once a day: did everything Klaviyo accepted arrive?"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from click.testing import CliRunner

from passes.world import World, configure, moment
from tracker_sync.cli import main
from tracker_sync.cli.common import Shop
from tracker_sync.sandbox.http import Request
from tracker_sync.sandbox.klaviyo import PUBLIC_KEY

A, B = "1Z999AA10123456784", "1Z999AA10123456799"


class Ear:
    """Counts the calls to Klaviyo by path, and answers as it does."""

    def __init__(self, shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: Counter[str] = Counter()
        real = shop.klaviyo._respond

        def respond(request: Request) -> Any:
            self.calls[request.path] += 1
            return real(request)

        monkeypatch.setattr(shop.klaviyo, "_respond", respond)

    @property
    def looks(self) -> int:
        return self.calls["/api/metrics"]


@pytest.fixture
def ear(shop: World, monkeypatch: pytest.MonkeyPatch) -> Ear:
    return Ear(shop, monkeypatch)


def lived(shop: World) -> None:
    """Two parcels are dispatched on the first day."""
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001", f"{B};ups;b@shop.example;1002")
    shop.parcel(A, "announced 1h", "dispatched 2h")
    shop.parcel(B, "announced 1h", "dispatched 2h")
    shop.run("3h")


def status(shop: World, *words: str, at: str = "") -> str:
    args = ["--config", str(shop.folder / "shop.yaml"), "status", *words]
    now = moment(at) if at else shop.now
    return CliRunner().invoke(main, args, obj=Shop(moment=now)).stdout


def test_what_arrived_is_no_finding_and_is_shown(shop: World, ear: Ear) -> None:
    lived(shop)

    assert shop.run("22h").exit_code == 0  # 4:00 UTC of the next day

    assert ear.looks == 1
    assert "arrived at Klaviyo: 2 of 2 events in a week, compared" in status(shop)


def test_an_event_that_never_arrived_is_told_once(shop: World) -> None:
    lived(shop)
    shop.klaviyo.accepted.pop()

    codes = [shop.run(f"{hour}h").exit_code for hour in (22, 23, 46, 70)]

    assert codes == [1, 0, 0, 0]
    text = status(shop, at="22.5h")
    assert "1 of 2 Shipment Dispatched events of 2026-11-02 were accepted by Klaviyo and" in text
    assert "arrived at Klaviyo: 1 of 2 events in a week" in text
    (finding,) = shop.rows("SELECT * FROM findings WHERE key LIKE 'missing:%'")
    assert finding["resolved_at"] is None


def test_an_event_that_arrives_late_ends_the_finding(shop: World) -> None:
    lived(shop)
    late = shop.klaviyo.accepted.pop()
    shop.run("22h")
    shop.klaviyo.accepted.append(late)

    shop.run("46h")

    assert not shop.rows("SELECT * FROM findings WHERE resolved_at IS NULL")


def test_more_than_we_sent_is_no_finding(shop: World) -> None:
    lived(shop)
    shop.klaviyo.accepted.append(shop.klaviyo.accepted[0])

    assert shop.run("22h").exit_code == 0


def test_it_is_asked_once_a_day_after_three(shop: World, ear: Ear) -> None:
    lived(shop)

    looks = []
    for hour in (18.5, 20, 21.5, 22, 30, 44, 46):
        shop.run(f"{hour}h")
        looks.append(ear.looks)

    assert looks == [0, 0, 1, 1, 1, 1, 2]


def test_nothing_is_asked_where_nothing_was_sent(shop: World, ear: Ear) -> None:
    shop.run("0h")
    shop.run("22h")

    assert ear.looks == 0


def test_it_can_be_switched_off(shop: World, ear: Ear) -> None:
    lived(shop)
    path = shop.folder / "shop.yaml"
    path.write_text(path.read_text() + "monitoring: {reconcile: false}\n")

    shop.run("22h")

    assert ear.looks == 0


def test_a_public_key_asks_nothing(shop: World, ear: Ear) -> None:
    path = shop.folder / "shop.yaml"
    path.write_text(
        path.read_text().replace("private_key: pk_sandbox", f"public_key: {PUBLIC_KEY}")
    )
    lived(shop)

    shop.run("22h")

    assert ear.looks == 0


def test_a_key_without_the_scope_is_no_finding_and_is_said_by_status(shop: World) -> None:
    lived(shop)
    shop.klaviyo.scopes = frozenset({"events:write"})

    assert shop.run("22h").exit_code == 0

    text = status(shop)
    assert "could not be compared" in text
    assert "the key lacks the scope metrics:read" in text
    assert status(shop, "--health") == "ok\n"
    assert json.loads(status(shop, "--json"))["arrived"]["missing"] == 0


def test_an_outage_at_that_moment_harms_no_pass_and_is_tried_the_next_day(
    shop: World, ear: Ear
) -> None:
    lived(shop)
    shop.klaviyo.outage = True
    assert shop.run("22h").exit_code == 0
    shop.klaviyo.outage = False

    shop.run("23h")
    assert ear.looks == 0
    shop.run("46h")

    assert ear.looks == 1


def test_it_waits_until_klaviyo_takes_events_again(shop: World, ear: Ear) -> None:
    lived(shop)
    shop.parcel(A, "out_for_delivery 21h")
    shop.klaviyo.outage = True
    shop.run("21.5h")
    shop.klaviyo.outage = False
    shop.run("22h")

    assert ear.looks == 1
    assert "arrived at Klaviyo: 2 of 2 events" in status(shop)


def test_a_dry_run_does_not_ask(shop: World, ear: Ear) -> None:
    lived(shop)
    args = ["--config", str(shop.folder / "shop.yaml"), "sync", "--dry-run"]

    CliRunner().invoke(main, [*args, "--now", moment("22h").isoformat()])

    assert ear.looks == 0


def test_messages_under_other_names_are_counted_under_them(shop: World, ear: Ear) -> None:
    configure(shop, "ups", wishes="messages: {quiet_hours: off, prefix: 'Shop '}")
    lived(shop)

    shop.run("22h")

    assert ear.looks == 1
    assert "arrived at Klaviyo: 2 of 2 events" in status(shop)
