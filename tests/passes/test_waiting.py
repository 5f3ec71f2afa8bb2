"""A parcel announced without a courier: found by its number, or waiting until somebody says."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from passes.world import World, configure, world
from tracker_sync.cli import main
from tracker_sync.cli.common import Shop

UPS = "1Z999AA10123456784"
DHL = "00340434161094042557"
IDENT = "123456789012"  # twelve digits, as several brands print
SHARED = "12345678901232"  # fourteen, as DPD and Hermes print


def told(shop: World, *command: str, typed: str = "") -> str:
    result = CliRunner().invoke(
        main,
        ["--config", str(shop.folder / "shop.yaml"), *command],
        input=typed,
        obj=Shop(moment=shop.now),
    )
    return " ".join(result.output.split())


def more_carriers(shop: World, *blocks: str) -> None:
    """Configure further carriers whose addresses nobody answers."""
    path = shop.folder / "shop.yaml"
    lines = "".join(f"  {block}\n" for block in blocks)
    path.write_text(path.read_text().replace("carriers:\n", f"carriers:\n{lines}"))


HERMES = (
    "hermes: {username: a, password: b, client_id: c, client_secret: d,"
    ' base_url: "http://127.0.0.1:9"}'
)
DPD = (
    "dpd: {partner_name: a, partner_token: b, cloud_user_id: c, user_token: d,"
    ' base_url: "http://127.0.0.1:9"}'
)


def brands(shop: World) -> dict[str, str]:
    return {row["number"]: row["brand"] for row in shop.rows("SELECT * FROM shipments")}


def test_a_number_that_fits_one_configured_brand_needs_no_courier(tmp_path: Path) -> None:
    with world(tmp_path, "ups", "dhl_parcel_de") as shop:
        shop.csv(f"{UPS};;a@shop.example;1001", f"{DHL};;b@shop.example;1002")
        report = shop.run("0h")

        assert brands(shop) == {UPS: "ups", DHL: "dhl"}
        assert report.counts["waiting"] == 0


def test_between_equals_the_announcement_waits_and_says_so_once(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        more_carriers(shop, HERMES, DPD)
        shop.csv(f"{SHARED};;a@shop.example;1001", f"{UPS};;b@shop.example;1002")
        first, second = shop.run("0h"), shop.run("1h")

        assert brands(shop) == {UPS: "ups"}
        assert (first.exit_code, second.exit_code) == (1, 0)
        (finding,) = first.new_findings
        assert "fits dpd and hermes alike (…901232)" in finding
        assert "shop.example" not in finding
        assert "fits dpd and hermes alike" in told(shop, "status")
        assert "fits dpd and hermes alike" in told(shop, "check")
        assert not (shop.folder / "inbox" / "rejected").exists()


def test_a_later_row_with_the_courier_ends_the_waiting(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        more_carriers(shop, HERMES, DPD)
        shop.csv(f"{SHARED};;a@shop.example;1001")
        shop.run("0h")
        shop.csv(f"{SHARED};hermes;a@shop.example;1001")
        shop.run("1h")

        assert brands(shop) == {SHARED: "hermes"}
        assert not shop.rows("SELECT * FROM waiting")
        assert "alike" not in told(shop, "status")


def test_another_configuration_tries_what_waits_again(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        more_carriers(shop, HERMES, DPD)
        shop.csv(f"{SHARED};;a@shop.example;1001;;;2026-11-01")
        shop.run("0h")
        configure(shop, "ups")
        more_carriers(shop, HERMES)
        shop.run("1h")

        assert brands(shop) == {SHARED: "hermes"}
        (row,) = shop.rows("SELECT email, shipped_at FROM shipments")
        assert (row["email"], row["shipped_at"][:10]) == ("a@shop.example", "2026-10-31")
        assert not shop.rows("SELECT * FROM waiting")


def test_the_courier_of_the_source_decides_between_equals_only(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        more_carriers(shop, HERMES, DPD)
        path = shop.folder / "shop.yaml"
        path.write_text(path.read_text().replace('csv"}]', 'csv", courier: DPD Germany}]'))
        shop.csv(f"{SHARED};;a@shop.example;1001", f"{UPS};;b@shop.example;1002")
        shop.run("0h")

        assert brands(shop) == {SHARED: "dpd", UPS: "ups"}


def test_what_fits_nobody_waits_too(shop: World) -> None:
    shop.csv("ABCDEFG-77;;a@shop.example;1001")
    report = shop.run("0h")

    assert not brands(shop)
    assert "fits no configured carrier" in report.new_findings[0]


def test_an_unknown_courier_is_refused_with_its_line(shop: World) -> None:
    shop.csv(f"{UPS};Hans;a@shop.example;1001")
    report = shop.run("0h")

    assert "the courier is unknown" in report.new_findings[0]
    assert not shop.rows("SELECT * FROM waiting")


def test_forgetting_a_person_forgets_what_waits(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        more_carriers(shop, HERMES, DPD)
        shop.csv(f"{SHARED};;A@shop.example;1001")
        shop.run("0h")
        told(shop, "forget", typed="a@shop.example\n")

        assert not shop.rows("SELECT * FROM waiting")


@pytest.mark.parametrize(
    ("spelling", "brand"),
    [
        ("UPS", "ups"),
        ("DHL Paket", "dhl"),
        ("Deutsche Post (DE)", "dhl"),
        ("dhl_parcel_de", "dhl"),
        ("DPD Germany", "dpd"),
        ("Hermes Versand", "hermes"),
        ("Österreichische Post", "austrian_post"),
        ("La Poste Colissimo", "laposte"),
        ("Evri", "evri"),
        ("Hermes UK", "evri"),
        ("Amazon Logistics UK", "amazon"),
    ],
)
def test_couriers_are_known_by_the_names_shops_use(shop: World, spelling: str, brand: str) -> None:
    shop.csv(f"{IDENT};{spelling};a@shop.example;1001")
    shop.run("0h")

    assert brands(shop) == {IDENT: brand}
