"""A source that goes wrong hurts nobody: no message to the wrong person, and one word about it."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from passes.world import World, hurry, moment, world
from tracker_sync.cli import main
from tracker_sync.cli.common import Shop
from tracker_sync.model import Advice, Recipient
from tracker_sync.sources import Bundle, Context, Reject, Source, SourceConfig
from tracker_sync.sync import run_pass
from tracker_sync.sync.report import Report

COUNT = 20
NUMBERS = [f"1Z999AA1012345{n:04}" for n in range(COUNT)]
A, B = NUMBERS[:2]
SOURCE = "csv inbox/*.csv"


def row(number: int, *, person: int | None = None, order: int | None = None) -> str:
    """A row of the parcel *number*, whose customer and order bear the same number."""
    person, order = (number if n is None else n for n in (person, order))
    return f"{NUMBERS[number]};ups;c{person}@shop.example;{1000 + order}"


def rows(*, count: int = COUNT) -> list[str]:
    return [row(n) for n in range(count)]


def shift(cells: Sequence[str]) -> list[str]:
    """The rows of a spreadsheet in which one column slipped down by a cell."""
    split = [line.split(";") for line in cells]
    mails = [parts[2] for parts in split]
    slipped = [mails[-1], *mails[:-1]]
    return [";".join((p[0], p[1], mail, p[3])) for p, mail in zip(split, slipped, strict=True)]


def told(shop: World, *command: str) -> str:
    result = CliRunner().invoke(
        main, ["--config", str(shop.folder / "shop.yaml"), *command], obj=Shop(moment=shop.now)
    )
    return " ".join(result.output.split())


def wrong(shop: World) -> list[str]:
    """Messages that went to somebody who is not the parcel's customer."""
    owner = {number: f"c{n}@shop.example" for n, number in enumerate(NUMBERS)}
    return [
        f"{event.properties['TrackingNumber']} to {event.email}"
        for event in shop.klaviyo.accepted
        if event.email != owner[str(event.properties["TrackingNumber"])]
    ]


def once(shop: World, report: Report, at: str) -> str:
    """The one new finding of a pass; the next pass is silent about it, `status` is not."""
    (finding,) = report.new_findings
    assert report.exit_code == 1
    again = shop.run(at)
    assert (again.exit_code, again.new_findings) == (0, [])
    assert " ".join(finding.split()) in told(shop, "status")
    assert "shop.example" not in finding
    return finding


def begun(shop: World) -> None:
    """Twenty parcels are known, on their way, and their customers told so."""
    shop.run("0h")
    shop.csv(*rows())
    for number in NUMBERS:
        shop.parcel(number, "dispatched 1h", "delivered 26h")
    shop.run("2h")
    assert len(shop.events()) == COUNT


# -- columns that slipped ---------------------------------------------------------


def test_a_column_shifted_by_one_row_changes_nothing(shop: World) -> None:
    begun(shop)
    path = shop.csv(*shift(rows()))
    finding = once(shop, shop.run("3h"), "4h")
    shop.run("27h")

    assert "recipients of 20 known parcels have changed places" in finding
    assert f"tracker-sync sync --accept {shlex.quote(SOURCE)}" in finding
    assert wrong(shop) == []
    assert len(shop.events()) == 2 * COUNT
    assert path.exists()  # it waits where the merchant will look for it


@pytest.mark.parametrize("known", [2, 3, 5])
def test_new_parcels_of_a_shifted_file_are_not_taken_either(shop: World, known: int) -> None:
    """A few known rows give the slip away; with them the whole file stays outside."""
    shop.run("0h")
    shop.csv(*rows(count=known))
    shop.run("1h")
    shop.csv(*shift(rows()))
    for number in NUMBERS:
        shop.parcel(number, "dispatched 2h")
    report = shop.run("3h")

    assert report.exit_code == 1
    assert report.counts["held"] == 1
    assert wrong(shop) == []
    assert len(shop.rows("SELECT * FROM shipments")) == known


def test_a_shifted_number_column_changes_nothing(shop: World) -> None:
    begun(shop)
    cells = [line.split(";", 1)[1] for line in rows()]
    shop.csv(*(f"{NUMBERS[n]};{cells[n - 1]}" for n in range(COUNT)))
    finding = once(shop, shop.run("3h"), "4h")
    shop.run("27h")

    assert "is not taken in" in finding
    assert wrong(shop) == []


def test_many_other_recipients_at_once_change_nothing(shop: World) -> None:
    begun(shop)
    shop.csv(*(row(n, person=n + (500 if n < 5 else 0)) for n in range(COUNT)))
    finding = once(shop, shop.run("3h"), "4h")

    assert "5 of 20 known parcels would change their recipient or order" in finding
    assert wrong(shop) == []


def test_what_is_held_is_taken_when_a_person_says_so(shop: World) -> None:
    begun(shop)
    path = shop.csv(*(row(n, person=n + 500) for n in range(COUNT)))
    shop.run("3h")
    assert "--accept csv is no source" in told(shop, "sync", "--accept", "csv")
    told(shop, "sync", "--accept", SOURCE)

    assert not path.exists()
    assert shop.rows("SELECT count(*) FROM shipments WHERE email LIKE 'c5__@%'")[0][0] == COUNT
    assert "is not taken in" not in told(shop, "status")
    shop.run("27h")
    assert {event.email for event in shop.events()[COUNT:]} == {
        f"c{n + 500}@shop.example" for n in range(COUNT)
    }


def test_a_held_file_that_is_removed_is_over(shop: World) -> None:
    begun(shop)
    path = shop.csv(*shift(rows()))
    shop.run("3h")
    path.unlink()
    shop.csv(*rows(), row(0))
    report = shop.run("4h")

    assert report.exit_code == 0
    assert "is not taken in" not in told(shop, "status")


def test_a_dry_run_shows_what_accepting_would_do(shop: World) -> None:
    begun(shop)
    path = shop.csv(*(row(n, person=n + 500) for n in range(COUNT)))
    shop.run("3h")
    told(shop, "sync", "--dry-run", "--accept", SOURCE)

    assert path.exists()
    assert shop.rows("SELECT count(*) FROM shipments WHERE email LIKE 'c5__@%'")[0][0] == 0


def test_a_dry_run_deletes_no_file_however_old(shop: World) -> None:
    begun(shop)
    told(shop, "sync", "--dry-run", "--now", "2026-12-31T10:00:00Z")

    assert [path.name for path in (shop.folder / "inbox" / "done").iterdir()] == ["001.csv"]


def test_an_email_column_of_order_numbers_tells_nobody(shop: World) -> None:
    shop.run("0h")
    shop.csv(*(f"{number};ups;{1000 + n};{1000 + n}" for n, number in enumerate(NUMBERS)))
    for number in NUMBERS:
        shop.parcel(number, "dispatched 1h")
    finding = once(shop, shop.run("2h"), "3h")
    assert "20 of 20 addresses are none" in finding
    assert shop.events() == []

    shop.csv(*rows())
    shop.run("4h")

    assert len(shop.events()) == COUNT
    assert wrong(shop) == []


def test_an_order_column_of_email_addresses_is_refused(shop: World) -> None:
    begun(shop)
    shop.csv(*(f"{number};ups;;c{n}@shop.example" for n, number in enumerate(NUMBERS)))
    finding = once(shop, shop.run("3h"), "4h")

    assert "order_id: this is an e-mail address" in finding
    assert not shop.rows("SELECT * FROM orders WHERE reference LIKE '%@%'")


def test_numbers_and_orders_that_changed_places_are_refused(shop: World) -> None:
    """A number that is an order's may be somebody else's parcel at a carrier."""
    shop.run("0h")
    shop.csv(*(f"{number};ups;c{n}@shop.example;2000{n:04}" for n, number in enumerate(NUMBERS)))
    shop.run("1h")
    shop.csv(*(f"2000{n:04};ups;c{n}@shop.example;{number}" for n, number in enumerate(NUMBERS)))
    for n in range(COUNT):
        shop.parcel(f"2000{n:04}", "dispatched 2h")
    report = shop.run("3h")

    assert report.exit_code == 1
    assert "have two columns changed places?" in report.new_findings[0]
    assert len(shop.rows("SELECT * FROM shipments")) == COUNT
    assert shop.events() == []


def test_one_address_filled_down_a_column_changes_nothing(shop: World) -> None:
    shop.run("0h")
    shop.csv(*(row(n, person=7) for n in range(COUNT)))
    for number in NUMBERS:
        shop.parcel(number, "dispatched 1h")
    finding = once(shop, shop.run("2h"), "3h")

    assert "one recipient stands in the rows of 20 different orders" in finding
    assert shop.events() == []


def test_a_number_filled_down_a_column_is_nobodys(shop: World) -> None:
    """Neither row is more right than the other; taking the first would be a guess."""
    shop.run("0h")
    shop.csv(*(f"{A};ups;c{n}@shop.example;{1000 + n}" for n in range(3, 6)), row(1))
    for number in (A, B):
        shop.parcel(number, "dispatched 1h")
    finding = once(shop, shop.run("2h"), "3h")

    assert "the number stands in rows of different orders and customers" in finding
    assert [event.email for event in shop.events()] == ["c1@shop.example"]


# -- numbers, recipients and orders -------------------------------------------------


def test_a_number_used_again_for_another_order_is_refused(shop: World) -> None:
    begun(shop)
    shop.csv(row(0, person=9, order=77))
    finding = once(shop, shop.run("3h"), "4h")
    shop.run("27h")

    assert "the number belongs to another order of another customer" in finding
    assert wrong(shop) == []


def test_without_a_recipient_another_order_is_not_added(shop: World) -> None:
    begun(shop)
    shop.csv(f"{A};ups;;1077")
    finding = once(shop, shop.run("3h"), "4h")

    assert "nothing says that the customer is the same" in finding
    assert shop.rows("SELECT * FROM orders WHERE reference = '1077'") == []


def test_a_number_whose_customer_was_blanked_is_not_given_away(shop: World) -> None:
    """Between 60 days (recipients go) and 120 (a new leg) nobody can tell who it was."""
    begun(shop)
    shop.run("27h")
    shop.run("65d")
    shop.run("66d")
    assert shop.rows("SELECT email FROM shipments WHERE number = ?", A)[0][0] == ""
    shop.csv(row(0, person=9, order=77))
    report = shop.run("70d")

    assert "nothing says that the customer is the same" in report.new_findings[0]
    assert wrong(shop) == []


def test_a_recipient_changed_after_messages_went_is_told_and_counts_from_then_on(
    shop: World,
) -> None:
    begun(shop)
    shop.csv(row(0, person=900))
    finding = once(shop, shop.run("3h"), "4h")
    shop.run("27h")

    assert finding.endswith("has another recipient now; messages that went to the one before: 1")
    assert [e.email for e in shop.events() if e.properties["TrackingNumber"] == A] == [
        "c0@shop.example",
        "c900@shop.example",
    ]


def test_an_order_number_used_again_by_another_customer_is_told(shop: World) -> None:
    shop.run("0h")
    shop.csv(row(0))
    shop.run("1h")
    shop.csv(row(1, order=0))
    for number in (A, B):
        shop.parcel(number, "dispatched 2h", "delivered 26h")
    finding = once(shop, shop.run("3h"), "4h")
    shop.runs("27h", "120h", "3h")

    assert "of an order that is known with another recipient" in finding
    assert wrong(shop) == []


def test_a_correction_of_the_number_gives_no_parcel_to_somebody_else(shop: World) -> None:
    begun(shop)
    shop.csv(f"1Z999AA10123459999;ups;c9@shop.example;1077;;;;{A}")
    finding = once(shop, shop.run("3h"), "4h")

    assert "the number belongs to another order of another customer" in finding
    assert shop.rows("SELECT * FROM numbers WHERE number = '1Z999AA10123459999'") == []


# -- lists that break off -----------------------------------------------------------


def full(shop: World) -> None:
    """Let each file be a list of everything."""
    path = shop.folder / "shop.yaml"
    path.write_text(path.read_text().replace("type: csv,", "type: csv, full_list: true,"))


@pytest.mark.parametrize(("left", "says"), [(0, "no rows"), (10, "10 rows")])
def test_a_list_that_is_suddenly_short_is_told_and_undoes_nothing(
    tmp_path: Path, left: int, says: str
) -> None:
    with world(tmp_path) as shop:
        full(shop)
        begun(shop)
        shop.csv(*rows(count=left))
        finding = once(shop, shop.run("3h"), "4h")
        shop.run("27h")

        assert f"suddenly short: {says}, usually 20" in finding
        assert len(shop.events()) == 2 * COUNT
        assert wrong(shop) == []


def test_a_short_list_that_is_whole_again_is_over(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        full(shop)
        begun(shop)
        shop.csv(*rows(count=0))
        shop.run("3h")
        shop.csv(*rows(), row(0))
        shop.run("4h")

        assert "suddenly short" not in told(shop, "status")


def test_a_deleted_order_is_told_and_its_parcel_still_followed(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        full(shop)
        begun(shop)
        shop.csv(*rows()[1:])
        finding = once(shop, shop.run("3h"), "4h")
        shop.run("27h")
        assert f"no longer lists …{A[-6:]}, though under way" in finding
        assert len(shop.events()) == 2 * COUNT
        assert wrong(shop) == []

        shop.csv(*rows(), row(3))
        shop.run("28h")

        assert "no longer lists" not in told(shop, "status")


def test_a_file_of_news_may_be_small_but_not_smaller_than_ever_all_week(shop: World) -> None:
    """Quiet days are no news; an export that broke off is."""
    shop.run("0h")
    told_of = []
    for day, size in enumerate([18, 20, 16, 19, 12, 18, 17, 15, 20, 8]):
        shop.csv(*(rows() * 2)[day : day + size])
        told_of += shop.run(f"{24 * day + 1}h").new_findings
    assert told_of == []
    shop.csv()
    finding = once(shop, shop.run("240h"), "241h")

    assert "suddenly short: no rows, at least 8 in each of the 10 before" in finding


# -- sources that list everything, by a source of the tests ----------------------------


class Feed(Source):
    """A shop that is asked for everything it has."""

    key = "feed"
    Config = SourceConfig

    def __init__(self, context: Context, pages: list[tuple[Advice, ...] | OSError]) -> None:
        super().__init__(SourceConfig(), context)
        self.pages = pages

    @property
    def name(self) -> str:
        return "feed"

    @property
    def lists_all(self) -> bool:
        return True

    def fetch(self, taken: Collection[str]) -> Iterator[Bundle]:
        page = self.pages.pop(0)
        if isinstance(page, OSError):
            raise page
        yield Bundle("", f"{len(self.pages)}", page)

    def done(self, bundle: Bundle, refused: tuple[Reject, ...]) -> None:
        pass


def orders(*persons: int) -> tuple[Advice, ...]:
    """What the shop says: the n-th parcel is the n-th person's."""
    return tuple(
        Advice(
            number=NUMBERS[n],
            courier="ups",
            order=str(1000 + n),
            recipient=Recipient(f"c{person}@shop.example"),
            where=f"feed:{n}",
        )
        for n, person in enumerate(persons)
    )


def fed(shop: World, pages: list[tuple[Advice, ...] | OSError], at: str) -> Report:
    shop.now = moment(at)
    with shop.house() as house:
        hurry(house)
        feed = Feed(house.sources[0].context, pages)
        return run_pass(replace(house, sources=(feed,)), shop.now)


def test_a_feed_that_goes_wrong_in_every_way_tells_nobody_wrong(shop: World) -> None:
    good = orders(*range(COUNT))
    slipped = orders(COUNT - 1, *range(COUNT - 1))
    pages: list[tuple[Advice, ...] | OSError] = [
        *((), good, slipped, slipped, (), good[:9], OSError("broken off")),
        *(good[1:], orders(0, 1, 2, 777, *range(4, COUNT)), good),
    ]
    for number in NUMBERS:
        shop.parcel(number, "dispatched 1h", "out_for_delivery 26h", "delivered 30h")
    reports = [fed(shop, pages, f"{3 * hour}h") for hour in range(10)]
    fed(shop, [good], "31h")

    texts = ["; ".join(report.new_findings) for report in reports]
    assert [report.exit_code for report in reports] == [0, 0, 1, 0, 1, 0, 1, 1, 1, 1]
    assert "have changed places" in texts[2]
    assert "suddenly short: no rows, usually" in texts[4]
    assert "source feed failed" in texts[6]
    assert "no longer lists" in texts[7]
    assert "has another recipient now" in texts[8]
    assert "has another recipient now" in texts[9]
    assert {event.email for event in shop.events()} == {f"c{n}@shop.example" for n in range(COUNT)}
    assert wrong(shop) == []
    assert len(shop.events()) == 3 * COUNT


@pytest.mark.parametrize(
    "advice",
    [
        Advice(number="../../admin?x=y", courier="ups", where="feed:1"),
        Advice(number="1Z999\r\nX: y", courier="ups", where="feed:1"),
        Advice(number=A, courier="ups", replaces="..%2f..", where="feed:1"),
        Advice(number=A, courier="ups", order="c1@shop.example", where="feed:1"),
    ],
    ids=["path", "lines", "corrects", "order"],
)
def test_what_no_source_should_give_is_refused_at_the_door(shop: World, advice: Advice) -> None:
    report = fed(shop, [(advice,)], "1h")

    assert report.exit_code == 1
    assert shop.rows("SELECT * FROM shipments") == []
    assert shop.calls["ups"] == 0
