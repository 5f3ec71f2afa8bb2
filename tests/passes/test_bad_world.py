"""Bad input costs only itself: one clear line, the rest of the pass goes on, nothing is lost."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path

import pytest

from passes.world import World, configure, hurry, moment, world
from tracker_sync.sandbox.http import Response
from tracker_sync.sandbox.klaviyo import Fault
from tracker_sync.sync import run_pass

A, B, C = "1Z999AA10123456784", "1Z999AA10123456799", "1Z999AA10123456805"
DHL = "00340434161094042557"
HTML = Response(200, {"content-type": "text/html"}, b"<html><body>Maintenance</body></html>")


def test_a_number_in_two_files_is_one_parcel(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h")
    shop.run("3h")

    assert shop.sent() == ["dispatched 2h"]
    assert len(shop.rows("SELECT * FROM shipments")) == 1


def test_a_number_of_another_customer_is_refused_with_file_and_line(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.run("1h")
    shop.csv(f"{B};ups;b@shop.example;1002", f"{A};ups;b@shop.example;1003")
    report = shop.run("2h")

    assert report.exit_code == 1
    (finding,) = report.new_findings
    assert "002.csv" in finding
    assert ":3" in finding or "line 3" in finding
    assert "another order of another customer" in finding
    assert "shop.example" not in finding
    assert (shop.folder / "inbox" / "rejected" / "002.csv").exists()
    assert len(shop.rows("SELECT * FROM shipments")) == 2


def test_a_bad_row_is_told_once_and_the_good_ones_are_taken(shop: World) -> None:
    shop.run("0h")
    shop.csv("3.4E+11;ups;a@shop.example;1001", f"{B};ups;b@shop.example;1002", "1Z/\U0001f4e6;ups")
    first, second = shop.run("1h"), shop.run("2h")

    assert (first.exit_code, second.exit_code) == (1, 0)
    assert [row["number"] for row in shop.rows("SELECT number FROM shipments")] == [B]


@pytest.mark.parametrize(
    "bad",
    [
        HTML,
        Response(200, {}, b'{"trackResponse": ['),
        Response(200, {}, b""),
        Response(500, {}, b""),
        Response(cut=True),
        Response(302, {"location": "http://127.0.0.1:1/"}, b""),
        Response(200, {"content-type": "application/json"}, b"[" * 100_000),
    ],
    ids=["html", "half", "nothing", "error", "cut", "elsewhere", "deep"],
)
def test_an_unreadable_answer_changes_nothing_and_is_asked_again(
    shop: World, bad: Response
) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h", "delivered 26h")
    shop.run("3h")
    shop.carrier_faults = lambda _carrier, _call: bad
    report = shop.run("27h")
    assert report.counts["failed"] == 1
    assert shop.status(A) == "dispatched"

    shop.carrier_faults = lambda _carrier, _call: None
    shop.run("28h")

    assert shop.sent() == ["dispatched 2h", "delivered 26h"]


def test_an_answer_of_200_megabytes_is_cut_off(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h")
    huge = Response(200, {"content-type": "application/json"}, b" " * 200_000_000)
    shop.carrier_faults = lambda _carrier, _call: huge
    report = shop.run("3h")

    assert report.counts["failed"] == 1
    assert (
        "larger than"
        in shop.rows("SELECT failure FROM carriers WHERE carrier = 'ups'")[0]["failure"]
    )


def test_refused_keys_stop_the_carrier_and_are_told_once(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001", f"{B};ups;b@shop.example;1002")
    shop.carrier_faults = lambda _carrier, _call: Response(403, {}, b'{"response": {"errors": []}}')
    first = shop.run("1h")
    calls = shop.calls["ups"]
    second = shop.run("1.5h")

    assert first.exit_code == 1
    assert any(finding.startswith("ups:") for finding in first.new_findings)
    assert second.exit_code == 0
    assert shop.calls["ups"] == calls


def test_a_token_that_expired_is_renewed_once_in_the_same_pass(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h")
    errors = {"response": {"errors": [{"code": "250002", "message": "Invalid token"}]}}
    expired = Response(401, {}, json.dumps(errors).encode())
    shop.carrier_faults = lambda _carrier, call: expired if call == 1 else None
    report = shop.run("3h")

    assert shop.sent() == ["dispatched 2h"]
    assert report.exit_code == 0


def test_one_carrier_that_fails_holds_no_other_up(tmp_path: Path) -> None:
    with world(tmp_path, "ups", "dhl_parcel_de") as shop:
        shop.run("0h")
        shop.csv(f"{A};ups;a@shop.example;1001", f"{DHL};dhl;b@shop.example;1002")
        shop.parcel(A, "dispatched 2h")
        shop.parcel(DHL, "dispatched 2h")
        shop.carrier_faults = lambda carrier, _call: (
            Response(500, {}, b"") if carrier == "ups" else None
        )
        shop.run("3h")

        assert shop.sent() == ["dispatched 2h"]
        assert shop.events()[0].email == "b@shop.example"


def test_429_is_obeyed_across_passes(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.carrier_faults = lambda _carrier, _call: Response(429, {"retry-after": "7200"}, b"")
    shop.run("1h")
    calls = shop.calls["ups"]
    shop.run("2h")
    assert shop.calls["ups"] == calls

    shop.parcel(A, "dispatched 2h")
    shop.carrier_faults = lambda _carrier, _call: None
    shop.run("3.5h")

    assert shop.sent() == ["dispatched 2h"]


def test_an_answer_about_another_number_is_not_believed(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(B, "delivered 2h")
    real = shop._ups
    shop._ups = lambda request: real(  # type: ignore[method-assign]
        type(request)(request.method, f"/x/{B}", {}, {}, b"")
    )
    shop.run("3h")

    assert shop.status(A) is None
    assert shop.sent() == []


def test_an_unknown_code_changes_nothing_is_kept_and_counted(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h", "new_code 5h")
    shop.run("6h")

    assert shop.status(A) == "dispatched"
    (unknown,) = shop.rows("SELECT carrier, code, count FROM unknown_codes")
    assert (unknown["carrier"], unknown["count"]) == ("ups", 1)


def test_klaviyo_refusing_one_of_many_sets_that_one_aside(shop: World) -> None:
    shop.run("0h")
    numbers = [f"1Z999AA1012345{n:04}" for n in range(100)]
    shop.csv(*(f"{number};ups;c{n}@shop.example;{n}" for n, number in enumerate(numbers)))
    for number in numbers:
        shop.parcel(number, "dispatched 2h")
    shop.klaviyo.faults = lambda n: Fault(status=400) if n == 50 else None
    report = shop.run("3h")

    assert len(shop.events()) == 99
    assert report.counts["set_aside"] == 1
    assert report.exit_code == 1
    assert len(shop.rows("SELECT * FROM messages WHERE state = 'set_aside'")) == 1


def test_a_key_without_the_scope_keeps_everything_owed(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h")
    shop.klaviyo.scopes = frozenset({"accounts:read"})
    first, second = shop.run("3h"), shop.run("4h")
    assert (first.exit_code, second.exit_code) == (1, 0)
    assert "events:write" in first.new_findings[0]
    assert shop.sent() == []

    shop.klaviyo.scopes = frozenset({"events:write"})
    shop.run("5h")

    assert shop.sent() == ["dispatched 2h"]


def test_klaviyo_taking_the_event_and_losing_the_answer_is_no_second_mail(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h", "out_for_delivery 26h")
    shop.klaviyo.faults = lambda n: Fault(cut=True, taken=True) if n == 1 else None
    shop.run("3h")
    shop.run("27h")

    assert shop.sent() == ["dispatched 2h", "out_for_delivery 26h"]
    assert all(first == repeat for first, repeat in shop.klaviyo.duplicates)


def test_another_shop_on_the_same_database_is_refused(shop: World) -> None:
    shop.run("0h")
    path = shop.folder / "shop.yaml"
    path.write_text(path.read_text().replace("id: muster-shop", "id: other-shop"))

    with pytest.raises(Exception, match="belongs to shop 'muster-shop'"):
        shop.run("1h")


def test_shadow_mode_triggers_nothing(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        configure(shop, "ups", klaviyo=", mode: shadow")
        shop.run("0h")
        shop.csv(f"{A};ups;a@shop.example;1001")
        shop.parcel(A, "dispatched 2h")
        shop.run("3h")

        assert [event.backfill for event in shop.klaviyo.accepted] == [True]


def test_only_pilots_are_told(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        configure(shop, "ups", klaviyo=", only_to: [a@shop.example]")
        shop.run("0h")
        shop.csv(f"{A};ups;a@shop.example;1001", f"{B};ups;b@shop.example;1002")
        shop.parcel(A, "dispatched 2h")
        shop.parcel(B, "dispatched 2h")
        shop.run("3h")

        assert [event.email for event in shop.klaviyo.accepted] == ["a@shop.example"]


def test_the_calls_of_a_day_are_never_exceeded(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        text = (shop.folder / "shop.yaml").read_text()
        text = text.replace("client_secret: b,", "client_secret: b, budget: {per_day: 5},")
        (shop.folder / "shop.yaml").write_text(text)
        shop.run("0h")
        numbers = [f"1Z999AA1012345{n:04}" for n in range(30)]
        shop.csv(*(f"{number};ups;c{n}@shop.example;{n}" for n, number in enumerate(numbers)))
        shop.runs("1h", "6h", "1h")

        # The token call counts against the same budget at UPS.
        assert shop.calls["ups"] <= 5
        assert shop.rows("SELECT used FROM budgets")[0]["used"] == 5


def test_keys_that_stay_refused_are_tried_once_a_day(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.carrier_faults = lambda _carrier, _call: Response(403, {}, b'{"response": {"errors": []}}')
    shop.runs("1h", "60h", "30m")

    assert shop.calls["ups"] == 4  # at once, an hour later, then a day apart


def test_in_an_outage_one_message_feels_the_way(shop: World) -> None:
    shop.run("0h")
    numbers = [f"1Z999AA1012345{n:04}" for n in range(100)]
    shop.csv(*(f"{number};ups;c{n}@shop.example;{n}" for n, number in enumerate(numbers)))
    for number in numbers:
        shop.parcel(number, "dispatched 2h")
    shop.klaviyo.outage = True
    shop.run("3h")
    first = shop.klaviyo.requests
    shop.run("4h")
    second = shop.klaviyo.requests - first
    assert first < 80
    assert second < 20
    assert shop.rows("SELECT * FROM messages WHERE attempts > 0 AND body IS NULL") == []

    shop.klaviyo.outage = False
    shop.run("5h")

    assert len(shop.events()) == 100
    assert shop.klaviyo.duplicates == []


def test_a_pass_that_must_stop_leaves_unsent_what_was_not_sent(shop: World) -> None:
    shop.run("0h")
    numbers = [f"1Z999AA1012345{n:04}" for n in range(60)]
    shop.csv(*(f"{number};ups;c{n}@shop.example;{n}" for n, number in enumerate(numbers)))
    for number in numbers:
        shop.parcel(number, "dispatched 2h")
    stop = threading.Event()

    def after_some(name: str) -> None:
        if name == "accepted stored":
            stop.set()

    shop.now = moment("3h")
    with shop.house(step=after_some) as house:
        hurry(house)
        run_pass(house, shop.now, stop)
    sent = len(shop.events())
    states = Counter(row["state"] for row in shop.rows("SELECT state FROM messages"))
    assert 0 < sent < 60
    assert states["accepted"] == sent

    shop.run("4h")

    assert len(shop.events()) == 60
    assert shop.klaviyo.duplicates == []


def test_a_refused_question_is_halved_until_the_number_to_blame_stands_alone(
    tmp_path: Path,
) -> None:
    numbers = [f"003404341610940{n:05}" for n in range(20)]
    with world(tmp_path, "dhl_parcel_de") as shop:

        def refuse(_carrier: str, _call: int) -> Response | None:
            return Response(400, {}, b"{}") if numbers[7] in shop.asked else None

        shop.carrier_faults = refuse
        shop.csv(*(f"{n};dhl;{n}@shop.example;{n}" for n in numbers))
        for number in numbers:
            shop.parcel(number, "dispatched 0h")
        report = shop.run("1h")

        assert report.counts["asked"] == 19
        assert report.counts["failed"] == 1
        assert shop.calls["dhl_parcel_de"] == 9
        assert not report.new_findings


def test_a_carrier_that_refuses_every_question_is_left_alone(tmp_path: Path) -> None:
    numbers = [f"003404341610940{n:05}" for n in range(200)]
    with world(tmp_path, "dhl_parcel_de") as shop:
        shop.carrier_faults = lambda _carrier, _call: Response(400, {}, b"{}")
        shop.csv(*(f"{n};dhl;{n}@shop.example;{n}" for n in numbers))
        report = shop.run("1h")

        assert shop.calls["dhl_parcel_de"] < 20
        assert len(report.new_findings) == 1
        assert report.new_findings[0].startswith("dhl_parcel_de:")
