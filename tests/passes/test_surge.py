"""The runaway guard: unusually many messages of one kind wait for a person."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from passes.world import START, World, configure, moment, world
from tracker_sync.cli import main
from tracker_sync.cli.common import Shop
from tracker_sync.store import stamp
from tracker_sync.sync import run_pass

MANY, USUAL = 40, 30
WISHES = "messages: {quiet_hours: off, max_per_recipient: 50%s}\n"
HELD = "far more at once than usual"
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    """A shop that dispatched ten parcels on each Monday morning of five weeks."""
    with world(tmp_path, "ups", wishes=WISHES % "") as made:
        made.run("0h")
        gone(made, "dispatched", 10, weeks=5)
        yield made


def gone(shop: World, kind: str, count: int, *, weeks: int) -> None:
    """Let so many messages have gone between 3 and 4 hours after the start, in past weeks."""
    with closing(sqlite3.connect(shop.folder / "shop.db")) as db, db:
        for week in range(1, weeks + 1):
            at = stamp(START + 3 * HOUR + timedelta(minutes=7) - week * WEEK)
            db.executemany(
                "INSERT INTO messages (id, kind, ordinal, subject, occurred_at, due_at, state,"
                " decided_at, created_at, attempts, attempted_at, metric)"
                " VALUES (?, ?, 1, 'x', ?, ?, 'accepted', ?, ?, 1, ?, 'Shipment Dispatched')",
                [(f"{kind}-{week}-{n}", kind, *[at] * 5) for n in range(count)],
            )


def arrive(shop: World, count: int, *life: str) -> None:
    """Announce parcels that live like this."""
    numbers = [f"1Z999AA10{n:09}" for n in range(count)]
    shop.csv(*(f"{n};ups;{n.lower()}@shop.example;{n}" for n in numbers))
    for number in numbers:
        shop.parcel(number, *life)


def command(shop: World, *words: str, at: str = "") -> Result:
    args = ["--config", str(shop.folder / "shop.yaml"), *words]
    return CliRunner().invoke(main, args, obj=Shop(moment=moment(at) if at else shop.now))


def states(shop: World, kind: str = "dispatched") -> dict[str, int]:
    found = shop.rows(
        "SELECT state || ' ' || reason AS fate, count(*) AS count FROM messages"
        " WHERE kind = ? AND subject <> 'x' GROUP BY 1",
        kind,
    )
    return {row["fate"].strip(): row["count"] for row in found}


def health(shop: World) -> tuple[int, str]:
    result = command(shop, "status", "--health")
    return result.exit_code, result.stdout.strip()


def test_more_than_usual_is_held_and_told_once(shop: World) -> None:
    arrive(shop, MANY, "announced 1h", "dispatched 3h")

    first = shop.run("3.2h")
    second = shop.run("3.3h")

    assert (first.exit_code, second.exit_code) == (1, 0)
    assert first.counts["too_many"] == MANY - USUAL
    assert "10 dispatched messages are held, more than 30 in an hour are unusual here" in str(
        first.new_findings
    )
    assert states(shop) == {"accepted": USUAL, f"owed {HELD}": MANY - USUAL}
    assert len(shop.events()) == USUAL
    code, line = health(shop)
    assert code == 1
    assert "tracker-sync messages release dispatched" in line


def test_released_messages_go_and_are_over(shop: World) -> None:
    arrive(shop, MANY, "announced 1h", "dispatched 3h")
    shop.run("3.2h")

    done = command(shop, "messages", "release", "dispatched")
    report = shop.run("3.5h")

    assert done.stdout == "10 messages go with the next pass, as far as they are still true.\n"
    assert report.exit_code == 0
    assert states(shop) == {"accepted": MANY}
    assert health(shop) == (0, "ok")
    assert command(shop, "messages", "release").exit_code == 2


def test_one_held_message_is_released_by_its_id(shop: World) -> None:
    arrive(shop, MANY, "announced 1h", "dispatched 3h")
    shop.run("3.2h")
    held = json.loads(command(shop, "messages", "list", "--json").stdout)

    command(shop, "messages", "release", held[0]["id"][:20])
    shop.run("3.5h")

    assert len(held) == MANY - USUAL
    assert states(shop)["accepted"] == USUAL + 1
    assert health(shop)[0] == 1


def test_released_messages_are_judged_once_more(shop: World) -> None:
    arrive(shop, MANY, "announced 1h", "dispatched 3h", "in_transit 8h", "delivered 20h")
    shop.run("3.2h")
    shop.run("21h")

    command(shop, "messages", "release")
    shop.run("22h")

    assert states(shop) == {"accepted": USUAL, "withheld overtaken: delivered": MANY - USUAL}


def test_dropped_messages_are_gone_for_good(shop: World) -> None:
    arrive(shop, MANY, "announced 1h", "dispatched 3h")
    shop.run("3.2h")

    done = command(shop, "messages", "drop", "dispatched")
    shop.run("4h")

    assert done.stdout == "10 of kind dispatched are dropped.\n"
    assert states(shop) == {"accepted": USUAL, "dropped dropped by hand": MANY - USUAL}
    assert health(shop) == (0, "ok")
    assert command(shop, "messages", "drop", "dispatched").exit_code == 2


def test_held_messages_die_of_old_age_if_nobody_decides(shop: World) -> None:
    arrive(shop, MANY, "announced 1h", "dispatched 3h")
    shop.run("3.2h")

    shop.run("50h")
    shop.run("52h")

    assert states(shop)["withheld older than 48h"] == MANY - USUAL
    assert health(shop)[0] == 0


def test_what_lasts_is_given_up_after_the_same_time(tmp_path: Path) -> None:
    with world(tmp_path, "ups", wishes=WISHES % "") as shop:
        shop.run("0h")
        gone(shop, "ready_for_pickup", 10, weeks=5)
        arrive(shop, MANY, "announced 1h", "dispatched 2h", "ready_for_pickup 3h")
        shop.run("3.2h")

        shop.run("53h")

        given_up = f"withheld {HELD}, and nobody released it within 48h"
        assert states(shop, "ready_for_pickup") == {"accepted": USUAL, given_up: MANY - USUAL}


def test_later_hours_and_other_kinds_are_not_held_with_it(shop: World) -> None:
    arrive(shop, MANY, "announced 1h", "dispatched 3h", "out_for_delivery 26h")
    shop.run("3.2h")
    shop.csv("1Z999AA10123456784;ups;late@shop.example;late")
    shop.parcel("1Z999AA10123456784", "announced 1h", "dispatched 4.2h")

    shop.run("4.5h")
    shop.run("26.5h")

    assert states(shop)["accepted"] == USUAL + 1
    assert states(shop, "out_for_delivery") == {"accepted": MANY}


def test_what_gathered_during_an_outage_of_klaviyo_is_no_surge(shop: World) -> None:
    shop.klaviyo.outage = True
    for day in range(4):
        numbers = [f"1Z999AA1{day}{n:09}" for n in range(15)]
        shop.csv(*(f"{n};ups;{n.lower()}@shop.example;{n}" for n in numbers))
        for number in numbers:
            shop.parcel(number, f"announced {day}h", f"dispatched {day + 0.5}h")
        shop.run(f"{day + 0.9}h")
    shop.klaviyo.outage = False

    shop.run("5.5h")

    assert states(shop) == {"accepted": 60}


def test_a_first_pass_over_a_shop_full_of_parcels_is_no_surge(tmp_path: Path) -> None:
    with world(tmp_path, "ups", wishes=WISHES % ", onboarding: live") as shop:
        arrive(shop, 230, "announced 1h", "dispatched 2h")
        report = shop.run("3h")

        assert report.counts["too_many"] == 0
        assert states(shop) == {"accepted": 230}


def test_history_is_neither_held_nor_counted(shop: World) -> None:
    configure(shop, "ups", wishes=WISHES % ", onboarding: backfill")
    path = shop.folder / "shop.yaml"
    path.write_text(path.read_text().replace("inbox/", "second/"))
    (shop.folder / "second").mkdir()
    shop.now = moment("3h")
    numbers = [f"1Z999AA10{n:09}" for n in range(MANY)]
    rows = "\n".join(f"{n};ups;{n.lower()}@shop.example;{n}" for n in numbers)
    header = "tracking_number;courier;email;order_id\n"
    (shop.folder / "second" / "1.csv").write_text(header + rows, encoding="utf-8")
    for number in numbers:
        shop.parcel(number, "announced 1h", "dispatched 2h")

    report = shop.run("3.2h")

    assert (report.exit_code, report.counts["too_many"]) == (0, 0)
    assert len([e for e in shop.klaviyo.accepted if e.backfill]) == MANY


def test_the_guard_can_be_switched_off(shop: World) -> None:
    configure(shop, "ups", wishes=WISHES % ", guard: false")
    arrive(shop, MANY, "announced 1h", "dispatched 3h")

    assert shop.run("3.2h").exit_code == 0
    assert states(shop) == {"accepted": MANY}


def test_an_idle_pass_asks_nothing_and_a_full_one_once_an_hour(shop: World) -> None:
    def questions() -> list[str]:
        with shop.house() as house:
            said: list[str] = []
            house.store._connection.raw.set_trace_callback(said.append)
            run_pass(house, shop.now)
        return [each for each in said if "messages_gone" in each]

    shop.now = moment("3h")
    idle = questions()
    arrive(shop, 25, "announced 1h", "dispatched 3h")
    shop.now = moment("3.2h")

    assert (idle, len(questions())) == ([], 1)
    assert states(shop) == {"accepted": 25}


def test_a_runaway_of_thousands_is_held_in_as_many_passes_as_it_takes(shop: World) -> None:
    arrive(shop, 120, "announced 1h", "dispatched 3h")

    codes = [shop.run(f"{hour}h").exit_code for hour in (3.2, 3.3, 3.4)]

    assert codes == [1, 0, 0]
    assert states(shop) == {"accepted": USUAL, f"owed {HELD}": 120 - USUAL}
