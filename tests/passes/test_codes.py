"""A code nobody knows, a merchant who gives it a meaning, and what follows from that."""

from __future__ import annotations

import json

from click.testing import CliRunner

from passes.world import World, moment
from tracker_sync.cli import main
from tracker_sync.cli.common import Shop

A, B = "1Z999AA10123456784", "1Z999AA10123456799"
CODE = "statusCode:987"


def mapped(shop: World, meaning: str) -> None:
    """Write a meaning for the code into the YAML."""
    path = shop.folder / "shop.yaml"
    text = path.read_text().replace("client_id: a", f'client_id: a, codes: {{"{CODE}": {meaning}}}')
    path.write_text(text)


def codes(shop: World, at: str, *options: str, answer: str = "") -> tuple[int, str]:
    """Run `tracker-sync codes` as of *at*."""
    args = ["--config", str(shop.folder / "shop.yaml"), "codes", *options]
    result = CliRunner().invoke(main, args, input=answer, obj=Shop(moment=moment(at)))
    return result.exit_code, result.stdout


def unlisted(shop: World) -> int:
    return len(shop.rows("SELECT * FROM scans WHERE NOT listed"))


def stuck(shop: World, at: str = "5h") -> None:
    """A parcel whose newest scan has a code nobody knows."""
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h", f"new_code {at}")
    shop.run("3h")
    shop.run("6h")


def test_a_code_nobody_knows_changes_nothing_and_is_counted(shop: World) -> None:
    stuck(shop)

    assert shop.kinds() == ["dispatched"]
    (row,) = shop.rows("SELECT * FROM unknown_codes")
    assert (row["carrier"], row["code"], row["count"]) == ("ups", CODE, 1)


def test_a_new_meaning_leaves_stored_scans_alone_until_it_is_applied(shop: World) -> None:
    stuck(shop)
    mapped(shop, "ready_for_pickup")
    shop.run("7h")

    assert shop.kinds() == ["dispatched"]
    assert unlisted(shop) == 1


def test_a_new_meaning_counts_for_new_scans_at_once(shop: World) -> None:
    stuck(shop)
    mapped(shop, "ready_for_pickup")
    shop.csv(f"{B};ups;b@shop.example;1002")
    shop.parcel(B, "dispatched 7h", "new_code 8h")
    shop.runs("7h", "9h")

    assert shop.kinds("b@shop.example") == ["dispatched", "ready_for_pickup"]


def test_the_preview_shows_what_would_be_told_and_changes_nothing(shop: World) -> None:
    stuck(shop)
    mapped(shop, "ready_for_pickup")
    code, text = codes(shop, "7h")

    assert code == 0
    assert "987" in text
    assert "ready_for_pickup" in text
    assert "shop.example" not in text
    assert unlisted(shop) == 1
    assert shop.status(A) == "dispatched"


def test_applied_it_moves_forward_and_what_still_holds_is_told(shop: World) -> None:
    stuck(shop)
    mapped(shop, "ready_for_pickup")
    code, _ = codes(shop, "7h", "--apply", "--yes")
    shop.run("8h")

    assert code == 0
    assert shop.status(A) == "ready_for_pickup"
    assert shop.sent() == ["dispatched 2h", "ready_for_pickup 5h"]
    assert not shop.rows("SELECT * FROM unknown_codes")
    assert unlisted(shop) == 0


def test_what_is_old_by_now_is_not_told(shop: World) -> None:
    stuck(shop)
    mapped(shop, "in_transit")
    codes(shop, "80h", "--apply", "--yes")
    shop.run("81h")

    assert shop.status(A) == "in_transit"
    assert shop.kinds() == ["dispatched"]


def test_a_meaning_never_moves_a_parcel_back(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h", "new_code 5h", "out_for_delivery 6h", "delivered 8h")
    shop.runs("3h", "9h")
    mapped(shop, "in_transit")
    codes(shop, "10h", "--apply", "--yes")
    shop.run("11h")

    assert shop.status(A) == "delivered"
    assert shop.kinds() == ["dispatched", "out_for_delivery", "delivered"]


def test_who_says_no_changes_nothing(shop: World) -> None:
    stuck(shop)
    mapped(shop, "ready_for_pickup")
    code, text = codes(shop, "7h", "--apply", answer="n\n")

    assert code == 0
    assert "Read them anew?" in text
    assert unlisted(shop) == 1


def test_for_programs_it_is_json_and_asks_nobody(shop: World) -> None:
    stuck(shop)
    mapped(shop, "ready_for_pickup")
    _, text = codes(shop, "7h", "--json")
    refused, _ = codes(shop, "7h", "--apply", "--json")

    found = json.loads(text)
    assert found["codes"] == [
        {
            "carrier": "ups",
            "code": CODE,
            "meaning": "ready_for_pickup",
            "scans": 1,
            "shipments": 1,
        }
    ]
    assert found["transitions"] == 1
    assert found["messages"][0]["kind"] == "ready_for_pickup"
    assert refused == 2


def test_without_anything_to_do_it_says_so(shop: World) -> None:
    shop.run("0h")

    assert "understood as your configuration says" in codes(shop, "1h")[1]
