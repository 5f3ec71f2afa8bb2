"""What a row may look like; each file here holds one or a few."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_sync.model import Advice, Direction, Item, Recipient
from tracker_sync.sources import Bundle, Context, rows
from tracker_sync.sources.csv_folder import CsvConfig, CsvFolder
from tracker_sync.sources.sheet import read

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
NUMBER = "00340000161094042557"


def fetched(folder: Path, content: str | bytes, **config: object) -> Bundle:
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / "x.csv").write_bytes(raw)
    context = Context(folder, "Europe/Berlin", "DE", NOW)
    source = CsvFolder(CsvConfig.model_validate({"path": "*.csv", **config}), context)
    (bundle,) = source.fetch(())
    return bundle


def only(folder: Path, header: str, row: str) -> Advice:
    bundle = fetched(folder, f"{header}\n{row}\n")
    assert (bundle.rejects, bundle.notes) == ((), ())
    return replace(bundle.advices[0], where="")


def cell(folder: Path, column: str, value: str) -> Bundle:
    return fetched(folder, f"tracking_number\t{column}\n{NUMBER}\t{value}\n")


def test_the_native_form_is_read_whole(tmp_path: Path) -> None:
    advice = only(
        tmp_path,
        "tracking_number,courier,email,sms,order_id,title,order_path,customer_name,origin_country,"
        "destination_country,language,shipped_at,direction,parcel_count,items,value,currency,"
        "marketing_consent,corrects,external_id,dispatched_at,property:Brand,prop_Season,else",
        f"{NUMBER},dhl,kunde-1@shop-demo.example,01512 3456789,#1001,A title,"
        "https://shop-demo.example/o/1,Someone,de,AUT,de_AT,2026-11-20 09:50:26 +0200,outbound,2,"
        '"2x Blue Shirt; Socks","1.234,5",eur,yes,3400-0016-1094-0425-5X,7,20.11.2026 11:00,'
        "Muster,,ignored",
    )

    assert advice == Advice(
        number=NUMBER,
        courier="dhl",
        order="#1001",
        order_url="https://shop-demo.example/o/1",
        recipient=Recipient("kunde-1@shop-demo.example", "", "7", True),
        language="de-AT",
        origin_country="DE",
        destination_country="AT",
        shipped_at=datetime(2026, 11, 20, 7, 50, 26, tzinfo=UTC),
        dispatched_at=datetime(2026, 11, 20, 10, 0, tzinfo=UTC),
        parcel_count=2,
        items=(Item("Blue Shirt", 2), Item("Socks")),
        value="1234.50",
        currency="EUR",
        replaces="3400001610940425" + "5X",
        properties={"Brand": "Muster"},
    )
    assert "Someone" not in repr(advice)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Sendungsnummer;E-Mail;Bestellnummer;Land", f"{NUMBER};k@s.example;7;Deutschland"),
        ("Sendungs-Nr.\tE-MAIL-ADRESSE\tBestell Nr\tLieferland", f"{NUMBER}\tk@s.example\t7\tDEU"),
        ("TrackingNumber,EMail,order_number,Country", f"'{NUMBER},k@s.example,7,de"),
        ('"Paketnummer","Empfänger-E-Mail","Auftragsnr","Empfänger-Land"',
         f'"=""{NUMBER}""","k@s.example","7","Germany"'),
        ("Tracking Code|Mail|Order|Empfaengerland", f"{NUMBER}|k@s.example|7|germany"),
        ("sep=;\ntracking_number;email;order_id;land", f"{NUMBER};k@s.example;7;DE"),
        ("\n\ntracking_number;email;order_id;land;;", f"{NUMBER};k@s.example;7;DE;;"),
        ("tracking_number;email;order_id;land", f"{NUMBER};k@s.example;7;DE;;"),
    ],
)  # fmt: skip
def test_exports_of_many_makers_are_understood(tmp_path: Path, header: str, row: str) -> None:
    assert only(tmp_path, header, row) == Advice(
        number=NUMBER, order="7", recipient=Recipient("k@s.example"), destination_country="DE"
    )


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"], ids=lambda name: name
)
def test_the_character_set_is_recognised(tmp_path: Path, encoding: str) -> None:
    bundle = fetched(tmp_path, f"Trackingnummer;Artikel\r\n{NUMBER};Mütze\r\n".encode(encoding))

    assert bundle.advices[0].items == (Item("Mütze"),)


def test_a_named_character_set_is_used(tmp_path: Path) -> None:
    content = f"Trackingnummer;Artikel\r\n{NUMBER};Mütze\r\n".encode("cp850")

    assert fetched(tmp_path, content, encoding="cp850").advices[0].items == (Item("Mütze"),)


def test_the_order_number_comes_before_the_order_id(tmp_path: Path) -> None:
    advice = only(tmp_path, "tracking_number,order_id,Bestellnummer", f"{NUMBER},99,1001")

    assert (advice.order, advice.order_id) == ("1001", "99")


def test_a_blank_column_gives_way_to_the_next_of_its_kind(tmp_path: Path) -> None:
    advice = only(tmp_path, "tracking_number,carrier_code,carrier_name", f"{NUMBER},n/a,DHL")

    assert advice.courier == "DHL"


def test_afterships_ship_date_is_a_day_without_signs(tmp_path: Path) -> None:
    advice = only(tmp_path, "tracking_number,tracking_ship_date", f"{NUMBER},20261007")

    assert advice.shipped_at == datetime(2026, 10, 6, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("03/04/2026", "the date can be read in two ways; write it as 2026-10-07"),
        ("03-04-2026", "the date can be read in two ways"),
        ("03.04.26", "the date can be read in two ways"),
        ("3/4/26 10:00", "the date can be read in two ways"),
        ("20261007", "not a date"),
        ("46302", "not a date"),
        ("yesterday", "not a date"),
        ("2026-02-30", "there is no such day or time"),
        ("31.11.2026", "there is no such day or time"),
        ("2026-10-07T25:00", "there is no such day or time"),
        ("2026-10-07T09:00+99:00", "there is no such offset"),
        ("0001-01-01", "the year is not of this century"),
    ],
)
def test_a_date_is_never_guessed(tmp_path: Path, written: str, why: str) -> None:
    bundle = cell(tmp_path, "shipped_at", written)

    assert bundle.advices == ()
    assert bundle.rejects[0].where == "x.csv:2"
    assert bundle.rejects[0].why.startswith(f"shipped_at: {why}")
    assert bundle.rejects[0].row == f"{NUMBER}\t{written}"


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("email", "kunde-1@"),
        ("sms", "12"),
        ("language", "Deutsch!"),
        ("destination_country", "Nowhereland"),
        ("value", "1.234"),
        ("currency", "Euro"),
        ("marketing_consent", "perhaps"),
        ("order_path", "/orders/1"),
        ("order_path", "https://["),
    ],
)
def test_what_only_helps_a_message_is_noted_and_left_blank(
    tmp_path: Path, column: str, written: str
) -> None:
    bundle = cell(tmp_path, column, written)

    assert bundle.rejects == ()
    assert bundle.advices == (Advice(number=NUMBER, where="x.csv:2"),)
    assert [note.where for note in bundle.notes] == ["x.csv:2"]
    assert written not in bundle.notes[0].why


def test_a_note_is_given_once_for_a_file(tmp_path: Path) -> None:
    rows = "".join(f"{NUMBER},b{at}@members.ebay.de\n" for at in range(3))

    (note,) = fetched(tmp_path, f"tracking_number,email\n{rows}").notes

    assert note.where == "x.csv:2"
    assert note.why.endswith("marketplace relay; nobody is told (and 2 more rows)")


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("direction", "sideways"),
        ("parcel_count", "0"),
        ("parcel_count", "two"),
        ("corrects", "A/B"),
        ("dispatched_at", "03/04/2026"),
        ("order_id", "x" * 10_000),
        ("property:Brand", "x" * 10_000),
    ],
)
def test_what_puts_the_parcel_in_doubt_costs_the_row(
    tmp_path: Path, column: str, written: str
) -> None:
    bundle = cell(tmp_path, column, written)

    assert bundle.advices == ()
    assert bundle.rejects[0].why.startswith(f"{column.removeprefix('property:')}: ")


@pytest.mark.parametrize(
    ("written", "direction", "requested"),
    [
        ("", Direction.OUTBOUND, True),
        ("Outgoing", Direction.OUTBOUND, True),
        ("return", Direction.RETURN, True),
        ("RETOURE", Direction.RETURN, True),
        ("Rücksendung", Direction.RETURN, True),
        ("enclosed", Direction.RETURN, False),
    ],
)
def test_a_direction_says_whether_a_customer_asked(
    tmp_path: Path, written: str, direction: Direction, requested: bool
) -> None:
    (advice,) = cell(tmp_path, "Richtung", written).advices

    assert (advice.direction, advice.requested) == (direction, requested)


def test_returns_may_be_labels_enclosed_in_every_parcel(tmp_path: Path) -> None:
    content = f"tracking_number,direction\n{NUMBER},return\nAB123456,\n"

    enclosed, outbound = fetched(tmp_path, content, enclosed_returns=True).advices

    assert (enclosed.requested, outbound.requested) == (False, True)


@pytest.mark.parametrize(
    ("country", "phone"), [("", "+4915123456789"), ("DE", "+4915123456789"), ("AT", "")]
)
def test_a_national_phone_number_is_read_only_where_one_country_is_meant(
    tmp_path: Path, country: str, phone: str
) -> None:
    (advice,) = fetched(
        tmp_path, f"tracking_number;phone;country\n{NUMBER};01512 3456789;{country}\n"
    ).advices

    assert advice.recipient.phone == phone


def test_items_are_names_with_quantities(tmp_path: Path) -> None:
    (advice,) = cell(tmp_path, "items", "2 x Hat | 4x4 Car; 3; ; 1\u00d7 Cap;10x").advices

    assert advice.items == (Item("Hat", 2), Item("4x4 Car"), Item("Cap"), Item("10x"))


BROKEN = 'a quote (") is opened and not closed'


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("AB111111;1", "the row has 2 cells, the header 3"),
        ("AB111111;1;x;y", "the row has 4 cells, the header 3"),
        ('AB111111;1;"open', BROKEN),
        ('AB111111;"open;x', BROKEN),
        ('AB111111;1;"closed"too soon', BROKEN),
        (f"AB111111;1;{'x' * 140_000}", "a cell is far too long"),
        (";1;x", "tracking_number: the cell is blank"),
    ],
)
def test_a_broken_row_does_not_take_others_with_it(tmp_path: Path, bad: str, why: str) -> None:
    good = [f"AB22222{at};{at};x" for at in range(3)]
    lines = ["tracking_number;order_id;items", good[0], bad, good[1], "", ";;", good[2]]

    bundle = fetched(tmp_path, "\n".join(lines))

    assert [advice.order for advice in bundle.advices] == ["0", "1", "2"]
    assert bundle.advices[-1].where == "x.csv:7"
    assert [(row.where, row.why[: len(why)], row.row) for row in bundle.rejects] == [
        ("x.csv:3", why, bad)
    ]


def test_a_quote_closed_rows_later_has_swallowed_nothing(tmp_path: Path) -> None:
    lines = ["tracking_number,order_id,items", 'AB111111,1,"a', "AB222222,2,b", 'AB333333,3,c"']

    bundle = fetched(tmp_path, "\n".join(lines))

    assert [advice.order for advice in bundle.advices] == ["2", "3"]
    assert [row.where for row in bundle.rejects] == ["x.csv:2"]


def test_a_cell_may_hold_quotes_and_line_ends(tmp_path: Path) -> None:
    content = 'note,tracking_number,order_id\n"a ""b"",\nc",AB111111,1\n12" pipe,AB222222,2\n'

    bundle = fetched(tmp_path, content.replace("\n", "\r\n"))

    assert [(advice.order, advice.where) for advice in bundle.advices] == [
        ("1", "x.csv:2"),
        ("2", "x.csv:4"),
    ]


def test_reasons_hold_nothing_of_the_row(tmp_path: Path) -> None:
    header = "kunde-1@shop-demo.example,01512 3456789"

    bundle = fetched(tmp_path, f"{header}\n")

    assert "kunde" not in bundle.rejects[0].why
    assert "3456789" not in bundle.rejects[0].why


@pytest.mark.parametrize(
    "name", ["aftership_import", "dhl_gkp_tracking_export", "sendcloud_report"]
)
def test_published_headers_name_the_number(tmp_path: Path, name: str) -> None:
    shared = Path(__file__).parents[3] / "shared" / "data" / "sources" / f"{name}_header.csv"
    if not shared.exists():
        pytest.skip("the published headers are not beside the repository")

    bundle = fetched(tmp_path, shared.read_bytes())

    assert bundle.rejects == ()


@given(st.binary() | st.text(alphabet="tracking_number;,\"\r\n\t'=E+1 \x00").map(str.encode))
def test_any_content_is_read_or_refused_with_a_reason(content: bytes) -> None:
    for start in (b"", b"tracking_number;shipped_at;value;phone;email\n"):
        with suppress(ValueError):
            sheet = read(start + content)
            house = rows.House("Europe/Berlin", "DE", enclosed=False)
            rows.bundle(Bundle("x.csv", "", ()), sheet, house)
