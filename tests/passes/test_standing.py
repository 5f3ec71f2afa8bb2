"""Standing still is loud: told once with exit 1, then shown until it is over."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from passes.world import World, configure, moment, spelled
from tracker_sync.cli import main
from tracker_sync.cli.common import Shop
from tracker_sync.sandbox.http import Response
from tracker_sync.sandbox.replies import Fault
from tracker_sync.store import stamp

A, B = "1Z999AA10123456784", "1Z999AA10123456799"
DOWN = Response(503, {}, b"")
HOUR = timedelta(hours=1)


def command(shop: World, *words: str, at: str = "") -> Result:
    args = ["--config", str(shop.folder / "shop.yaml"), *words]
    return CliRunner().invoke(main, args, obj=Shop(moment=moment(at) if at else shop.now))


def health(shop: World) -> tuple[int, str]:
    result = command(shop, "status", "--health")
    return result.exit_code, result.stdout.strip()


def hourly(shop: World, first: int, last: int) -> dict[int, list[str]]:
    """Passes every hour, in which what failed is due again; what each of them told first."""
    told = {}
    for hour in range(first, last + 1):
        again = "UPDATE shipments SET next_poll_at = ? WHERE failures > 0 AND closed_at IS NULL"
        with shop.house() as house:
            house.store._connection.run(again, stamp(moment(f"{hour}h")))
        found = shop.run(f"{hour}h").new_findings
        if found:
            told[hour] = found
    return told


def started(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "announced 1h", "dispatched 2h")
    shop.run("3h")


# -- carriers ------------------------------------------------------------------------


def test_a_carrier_that_stays_silent_is_told_once_and_is_over_with_its_answer(shop: World) -> None:
    started(shop)
    shop.carrier_faults = lambda _carrier, _call: DOWN

    told = hourly(shop, 4, 14)

    assert list(told) == [9]  # more than four hours after the first question without an answer
    assert told[9][0].startswith("ups is asked and has given no good answer for 5 h: ")
    assert health(shop)[0] == 1
    assert "Needs a person:" in command(shop, "status").stdout

    shop.carrier_faults = lambda _carrier, _call: None
    assert hourly(shop, 15, 15) == {}
    assert health(shop) == (0, "ok")


def test_nothing_is_told_where_nothing_was_due(shop: World) -> None:
    shop.run("0h")

    assert hourly(shop, 1, 30) == {}
    assert health(shop) == (0, "ok")


def test_a_silence_ends_with_the_last_parcel_that_was_to_be_asked(shop: World) -> None:
    started(shop)
    shop.carrier_faults = lambda _carrier, _call: DOWN
    hourly(shop, 4, 6)
    with shop.house() as house:
        house.store._connection.run("UPDATE shipments SET next_poll_at = NULL, failures = 0")

    assert hourly(shop, 7, 20) == {}


def test_a_carrier_that_rests_every_night_is_known_to(shop: World) -> None:
    started(shop)
    nights = [[24 * day + hour for hour in range(16, 24)] for day in range(4)]
    resting = {hour for night in nights for hour in night}
    shop.carrier_faults = lambda _c, _n: DOWN if round(_hours(shop)) in resting else None

    told = hourly(shop, 4, 24 * 4)

    assert sorted(hour // 24 for hour in told) == [0, 1]  # from the third night on it is usual
    assert [row["seconds"] for row in shop.rows("SELECT * FROM silences")] == [8 * 3600] * 4


def _hours(shop: World) -> float:
    return float(spelled(shop.now)[:-1])


def test_a_carrier_whose_keys_are_refused_is_told_once_not_twice(shop: World) -> None:
    started(shop)
    shop.carrier_faults = lambda _carrier, _call: Response(401, {}, b"{}")

    told = hourly(shop, 4, 40)

    assert [len(found) for found in told.values()] == [1]
    assert "ups" in next(iter(told.values()))[0]


def test_a_carrier_whose_calls_are_used_up_is_not_silent(shop: World) -> None:
    path = shop.folder / "shop.yaml"
    text = path.read_text().replace("client_id: a", "client_id: a, budget: {per_day: 2}")
    path.write_text(text)
    started(shop)
    shop.csv(f"{B};ups;a@shop.example;1002")

    assert hourly(shop, 4, 15) == {}


# -- messages ------------------------------------------------------------------------


def test_messages_that_wait_for_more_than_an_hour_are_told_once(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "announced 1h", "dispatched 2h")
    shop.klaviyo.outage = True
    first = shop.run("2.5h").exit_code
    later = [shop.run(f"{hour}h").exit_code for hour in (3, 4, 5, 6)]

    assert (first, later) == (0, [0, 1, 0, 0])
    assert health(shop)[1].startswith("1 message waiting for 3 h: ")

    shop.klaviyo.outage = False
    assert shop.run("7h").exit_code == 0
    assert health(shop) == (0, "ok")
    assert not shop.rows("SELECT * FROM findings WHERE resolved_at IS NULL")


def test_a_second_outage_is_news_again(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "announced 1h", "dispatched 2h", "out_for_delivery 26h")
    shop.klaviyo.outage = True
    shop.run("2.5h")
    assert shop.run("4h").exit_code == 1
    shop.klaviyo.outage = False
    shop.run("5h")
    shop.klaviyo.outage = True
    shop.run("27h")

    assert shop.run("29h").exit_code == 1


def test_messages_wait_for_a_klaviyo_that_is_not_configured(shop: World) -> None:
    path = shop.folder / "shop.yaml"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("klaviyo:")))
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "announced 1h", "dispatched 2h")

    codes = [shop.run(f"{hour}h").exit_code for hour in (3, 5, 6)]

    assert codes == [0, 1, 0]


def test_a_refused_message_is_told_once_and_shown_until_somebody_decides(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "announced 1h", "dispatched 2h")
    shop.klaviyo.faults = lambda _nth: Fault(status=400)

    assert [shop.run(f"{hour}h").exit_code for hour in (3, 4)] == [1, 0]
    assert "Klaviyo refused 1 message" in health(shop)[1]


def test_a_message_no_body_can_be_made_of_is_told_as_well(shop: World) -> None:
    configure(shop, "ups", wishes=f"messages: {{quiet_hours: off, properties: {{Big: {_big()}}}}}")
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "announced 1h", "dispatched 2h")

    report = shop.run("3h")

    assert report.exit_code == 1
    assert report.counts["set_aside"] == 1
    assert "longer than 100000 bytes" in report.new_findings[0]


def _big() -> str:
    return "x" * 100_001


# -- passes --------------------------------------------------------------------------


@pytest.mark.parametrize(("every", "quiet", "loud"), [(5, 15, 16), (30, 90, 91)])
def test_a_stopped_cron_is_seen_by_its_own_interval(
    shop: World, every: int, quiet: int, loud: int
) -> None:
    for nth in range(6):
        shop.run(f"{nth * every}m")
    last = 5 * every

    def told(minutes: int) -> tuple[int, str]:
        result = command(shop, "status", "--health", at=f"{last + minutes}m")
        return result.exit_code, result.stdout.strip()

    assert told(quiet) == (0, "ok")
    assert told(loud) == (1, f"the last good pass was {loud} min ago")
    found = json.loads(command(shop, "status", "--health", "--json", at=f"{last + loud}m").stdout)
    assert found == {"ok": False, "wrong": [f"the last good pass was {loud} min ago"]}


def test_status_fits_a_hundred_columns_when_much_is_wrong(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(shop)
    shop.carrier_faults = lambda _carrier, _call: DOWN
    hourly(shop, 4, 10)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("FORCE_COLOR", "1")

    text = command(shop, "status").stdout
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()

    assert max(map(len, lines)) <= 100
