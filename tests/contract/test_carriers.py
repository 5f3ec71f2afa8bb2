"""What every carrier keeps to; a new file in `carriers/` is tested without a change here."""

from __future__ import annotations

import csv
import inspect
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.samples import (
    CARRIERS,
    MARK,
    SAMPLES,
    ends,
    expected,
    facts,
    make,
    of,
    required,
    sample_files,
    secret_values,
)
from tracker_sync.carriers import Access, Carrier, CarrierConfig, Order, Tells, tables
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Meaning, Reading, Status
from tracker_sync.wire import Timer, Wire

TELLS = {"number", "status", "problem", "detail", "scans", "last_scan", "unknown"}
ENOUGH = {"announced", "delivered", "new_code", "same_minute"}
ASKED = ["00340434190000000015"]
GARBAGE = {
    "nothing": b"",
    "blank": b"  \n",
    "list": b"[]",
    "object": b"{}",
    "null": b"null",
    "number": b"7",
    "word": b'"ok"',
    "list of null": b"[null]",
    "page": b"<!doctype html><html><body><h1>Service Unavailable</h1></body></html>",
    "tidy page": b"<html><body/></html>",
    "bare element": b"<data/>",
    "not text": b"\xff\xfe\x00\xd8\x00",
    "noise": Random(7).randbytes(1_000_000),
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"shipments":' * 100_000,
    "deep elements": b'<data code="0">' * 100_000,
    "deep closed elements": b'<data code="0">' * 20_000 + b"</data>" * 20_000,
    "long number": b'{"shipments": ' + b"9" * 10_000 + b"}",
    "entities": b'<!DOCTYPE d [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]><data code="0">&c;</data>',
    "outside": b'<!DOCTYPE d SYSTEM "http://127.0.0.1:9/d.dtd"><data code="0"/>',
}
ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**30,
    1e308,
    "",
    "null",
    "x" * 999,
    "\x00",
    "é😀",
    [],
    {},
    [[]],
    [None],
)
ODD_STAMPS = ("0001-01-01T00:00:00", "9999-12-31T23:59:59-14:00", "01.01.0001 00:00", "20261399")

every_carrier = pytest.mark.parametrize("key", sorted(CARRIERS))
every_sample = pytest.mark.parametrize(
    "answer", sample_files(), ids=lambda path: f"{path.parent.name}-{path.stem}"
)


def attempt(
    carrier: Carrier, body: bytes, asked: Sequence[str] = tuple(ASKED)
) -> list[Reading] | CallError:
    """Read *body*; the one kind of exception a carrier may raise becomes a value."""
    try:
        return carrier.decode_body(body, asked)
    except CallError as error:
        return error


# -- what a carrier says about itself ------------------------------------------


@every_carrier
def test_a_carrier_is_named_like_its_file(key: str) -> None:
    file = Path(inspect.getfile(CARRIERS[key]))

    table = file.parent / "codes" / f"{key}.csv"

    assert file.stem == key
    assert CARRIERS[key].codes
    if table.is_file():  # else the codes stand in the file itself
        assert set(tables.table(key)) <= set(CARRIERS[key].codes)


def test_no_code_table_is_without_a_carrier() -> None:
    folder = Path(inspect.getfile(Carrier)).parent / "codes"

    assert {path.stem for path in folder.iterdir()} <= set(CARRIERS)


@every_carrier
def test_the_facts_are_declared_and_sane(key: str) -> None:
    carrier = CARRIERS[key]

    assert carrier.title
    assert carrier.brand == carrier.brand.lower().strip() != ""
    assert urlsplit(carrier.docs).scheme == "https"
    assert carrier.tracking_url.startswith("https://")
    assert carrier.tracking_url.format(number="1").count("{") == 0
    assert "{number}" in carrier.tracking_url
    assert ZoneInfo(carrier.zone)
    assert ZoneInfo(carrier.budget_zone)
    assert isinstance(carrier.order, Order)
    assert carrier.batch >= 1
    assert carrier.min_gap >= timedelta(minutes=1)
    assert carrier.max_per_parcel_day is None or carrier.max_per_parcel_day >= 1
    assert all(alias == alias.lower() for alias in carrier.aliases)


UNPUBLISHED = "not published"
COUNTED = re.compile(r"\b\d[\d.,]*( (calls|numbers|parcels|shipments|credits|registrations)|%)")
CURRENCY = re.compile(r"\b(EUR|USD|GBP|CHF|CAD|AUD|PLN|CNY)\b")


@every_carrier
def test_what_a_merchant_wants_to_know_first_is_told_in_words(key: str) -> None:
    access = CARRIERS[key].access
    words = [access.regions, access.keys, access.who, access.cost, access.wait]

    assert isinstance(access, Access)
    assert all(word == " ".join(word.split()) != "" for word in words)
    assert all(word == UNPUBLISHED for word in words if "publish" in word)
    assert not any(word.endswith(".") or "|" in word for word in words)
    assert access.keys != UNPUBLISHED
    assert len(set(access.tells)) == len(access.tells)


@every_carrier
def test_a_price_has_a_currency(key: str) -> None:
    rest = COUNTED.sub("", CARRIERS[key].access.cost)

    assert not re.search(r"\d", rest) or CURRENCY.search(rest)


@every_carrier
def test_a_carrier_without_keys_says_that_it_needs_none_and_no_other_does(key: str) -> None:
    assert bool(required(CARRIERS[key])) == ("none" not in CARRIERS[key].access.keys.split())


@every_carrier
def test_a_carrier_tells_what_its_samples_show_and_nothing_else(key: str) -> None:
    carrier = make(key)
    bodies = [path.read_bytes() for path in sample_files(key)]

    shown = {told for body in bodies for told in besides(carrier.decode_body(body, []))}

    assert shown == set(CARRIERS[key].access.tells)


def besides(readings: Sequence[Reading]) -> set[Tells]:
    """Return what some readings tell besides the status of an outbound parcel."""
    back = {Status.RETURNING, Status.RETURNED}
    return {
        tells
        for reading in readings
        for tells, said in {
            Tells.PICKUP: reading.pickup,
            Tells.ESTIMATE: reading.estimate,
            Tells.RETURNS: back & {scan.status for scan in reading.scans},
        }.items()
        if said
    }


@every_carrier
def test_a_carrier_says_what_it_is_and_where_its_keys_come_from(key: str) -> None:
    module = inspect.getmodule(CARRIERS[key])

    assert module
    assert module.__doc__
    assert "__doc__" in vars(CARRIERS[key])
    assert CARRIERS[key].__doc__
    assert CARRIERS[key].Config.__doc__ != CarrierConfig.__doc__


@every_carrier
def test_no_carrier_takes_an_alias_of_another_brand(key: str) -> None:
    mine = CARRIERS[key]
    others = [other for other in CARRIERS.values() if other.brand != mine.brand]

    taken = {name for other in others for name in (other.key, other.brand, *other.aliases)}

    assert not taken & {mine.key, *mine.aliases}


@every_carrier
def test_codes_map_to_a_meaning_and_never_to_garbage(key: str) -> None:
    for code, meaning in CARRIERS[key].codes.items():
        assert code == code.strip() != ""
        assert isinstance(meaning, Meaning), code
        assert not meaning.revokes or meaning == Meaning(revokes=True), code
        assert meaning.detail is None or meaning.status is Status.DELIVERED, code


@every_carrier
def test_an_unlisted_code_means_nothing(key: str) -> None:
    assert make(key).meaning("certainly not a code") is None


@every_carrier
def test_the_merchants_own_meaning_goes_first(key: str) -> None:
    listed = next(iter(CARRIERS[key].codes))
    carrier = make(key, codes={listed: "lost", "his own": "damaged"})

    assert carrier.meaning(listed) == Meaning(status=Status.LOST)
    mine = carrier.meaning("his own")
    assert mine is not None
    assert mine.problem == "damaged"


# -- configuration ---------------------------------------------------------------


@every_carrier
def test_the_configuration_refuses_unknown_keys_and_shows_no_value(key: str) -> None:
    config = CARRIERS[key].Config

    with pytest.raises(ValidationError, match="no_such_key") as caught:
        config.model_validate({**required(CARRIERS[key]), "no_such_key": MARK})

    assert MARK not in str(caught.value)
    assert config.model_config["frozen"]


@every_carrier
def test_a_key_that_is_left_out_or_blank_is_an_error(key: str) -> None:
    for name in required(CARRIERS[key]):
        rest = {other: value for other, value in required(CARRIERS[key]).items() if other != name}

        for wrong in (rest, {**rest, name: ""}):
            with pytest.raises(ValidationError, match=name):
                CARRIERS[key].Config.model_validate(wrong)


@every_carrier
def test_whatever_sounds_secret_is_hidden(key: str) -> None:
    carrier = make(key)
    telling = {
        name for name in required(CARRIERS[key]) if name.endswith(("key", "secret", "password"))
    }

    assert {f"{MARK}-{name}" for name in telling} <= set(secret_values(carrier))
    for secret in secret_values(carrier):
        assert secret not in repr(carrier.config)
        assert secret not in str(carrier.config)
        assert secret not in repr(carrier)


# -- requests --------------------------------------------------------------------


def requests(carrier: Carrier, numbers: Sequence[str] = ASKED) -> list[httpx.Request]:
    token = carrier.token_request()
    asked = carrier.request(numbers, "a-token" if token else None)
    return [asked, token] if token else [asked]


@every_carrier
def test_requests_go_to_the_configured_host_and_keep_their_path(key: str) -> None:
    official = requests(make(key))
    moved = requests(make(key, base_url="http://127.0.0.1:8080"))

    for there, here in zip(official, moved, strict=True):
        assert there.url.scheme == "https"
        assert (here.url.scheme, here.url.host, here.url.port) == ("http", "127.0.0.1", 8080)
        assert here.headers["host"] == "127.0.0.1:8080"
        assert here.url.raw_path.split(b"?")[0] == there.url.raw_path.split(b"?")[0]


@every_carrier
@given(number=st.text(min_size=1, max_size=40))
def test_no_number_can_change_where_a_request_goes(key: str, number: str) -> None:
    carrier = make(key)
    plain = carrier.request(["1"], "a-token").url
    url = carrier.request([number.encode("utf-8", "ignore").decode() or "1"], "a-token").url

    assert (url.scheme, url.host, url.port) == (plain.scheme, plain.host, plain.port)
    assert url.raw_path.count(b"/") == plain.raw_path.count(b"/")
    assert not url.fragment


@every_carrier
def test_a_full_batch_is_one_request(key: str) -> None:
    numbers = [f"{number:020d}" for number in range(1, CARRIERS[key].batch + 1)]

    request = make(key).request(numbers, "a-token")
    sent = str(request.url) + request.read().decode()

    assert all(number in sent for number in numbers)


# -- answers -----------------------------------------------------------------------


@every_carrier
def test_a_carrier_ships_enough_samples(key: str) -> None:
    assert {path.stem for path in sample_files(key)} >= ENOUGH


def test_no_sample_is_without_a_carrier_or_without_an_expectation() -> None:
    files = [path for path in SAMPLES.glob("*/*") if path.parent.name in CARRIERS]
    answers = {path for path in files if not path.name.endswith(".expect.yaml")}

    assert {path.parent.name for path in sample_files()} <= set(CARRIERS)
    assert answers == set(sample_files())


@every_sample
def test_a_sample_reads_as_the_file_beside_it_says(answer: Path) -> None:
    carrier, wanted = make(answer.parent.name), expected(answer)

    readings = carrier.decode_body(answer.read_bytes(), [])
    read = facts(carrier, of(wanted["number"], readings))

    assert wanted.keys() >= TELLS
    assert {name: read[name] for name in wanted} == wanted


@every_sample
def test_the_number_comes_back_as_it_was_asked(answer: Path) -> None:
    carrier, number = make(answer.parent.name), expected(answer)["number"] or ASKED[0]

    readings = carrier.decode_body(answer.read_bytes(), [number])

    assert [reading.number for reading in readings].count(number) == 1


@every_carrier
def test_the_four_compulsory_samples_show_what_they_are_for(key: str) -> None:
    carrier = make(key)
    read = {
        name: carrier.decode_body(next(SAMPLES.glob(f"{key}/{name}.[jx]*")).read_bytes(), [])
        for name in ENOUGH
    }
    told = {name: facts(carrier, reading) for name, (reading,) in read.items()}
    stamps = [scan.at for scan in read["same_minute"][0].scans]

    assert told["announced"]["status"] == "announced"
    assert told["delivered"]["status"] == "delivered"
    assert told["new_code"]["unknown"]
    assert len(set(stamps)) < len(stamps)


@every_carrier
@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_unreadable_or_says_nothing(key: str, name: str) -> None:
    carrier = make(key)

    outcome = attempt(carrier, GARBAGE[name])

    if isinstance(outcome, CallError):
        assert isinstance(outcome, Unreadable)
        assert len(outcome.text) < 200
    else:
        assert not any(reading.scans for reading in outcome)


@every_carrier
def test_half_an_answer_is_no_answer(key: str) -> None:
    for answer in sample_files(key):
        body = answer.read_bytes().strip()

        with pytest.raises(Unreadable):
            make(key).decode_body(body[: len(body) // 2], ASKED)


@every_carrier
@pytest.mark.parametrize(
    ("status", "error"),
    [(401, Rejected), (403, Rejected), (429, Throttled), (500, Unavailable), (503, Unavailable)],
)
@pytest.mark.parametrize("body", [b"", b"<html><h1>No</h1></html>", b"{}", b"[]", b"null"])
def test_an_http_error_is_told_by_its_status(
    key: str, status: int, error: type[CallError], body: bytes
) -> None:
    with pytest.raises(error) as caught:
        make(key).decode(httpx.Response(status, content=body), ASKED)

    assert caught.value.peer == key
    assert caught.value.permanent == (error is Rejected)


@every_carrier
def test_http_404_is_not_found(key: str) -> None:
    assert make(key).decode(httpx.Response(404), ASKED) == [Reading(ASKED[0], not_found=True)]


@every_carrier
def test_a_redirect_is_not_followed(key: str) -> None:
    elsewhere = httpx.Response(302, headers={"location": "http://127.0.0.1/"})

    with pytest.raises(CallError):
        make(key).decode(elsewhere, ASKED)


@every_carrier
@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500])
def test_an_error_never_repeats_a_secret(key: str, status: int) -> None:
    carrier = make(key)
    echo = json.dumps({"errors": [{"code": "1", "message": " ".join(secret_values(carrier))}]})

    response = httpx.Response(status, text=echo, request=requests(carrier)[0])
    try:
        told = repr(carrier.decode(response, ASKED))
    except CallError as error:
        told = f"{error!r} {error} {error.text} {error.__cause__}"

    assert MARK not in told


@every_carrier
def test_polling_is_one_call_and_gives_what_the_answer_says(key: str) -> None:
    sample = next(path for path in sample_files(key) if path.stem == "delivered")
    number = expected(sample)["number"]
    calls: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(200, content=sample.read_bytes())

    timer = Timer(monotonic=lambda: 0.0, sleep=lambda _: None)
    wire = Wire(key, timer, transport=httpx.MockTransport(answer))
    carrier = make(key)

    readings = carrier.poll(wire, [number], "a-token")
    wire.close()

    assert len(calls) == 1
    assert calls[0].url == carrier.request([number], "a-token").url
    assert [reading.number for reading in readings] == [number]


@every_carrier
def test_a_token_is_used_or_never_asked_for(key: str) -> None:
    carrier = make(key)
    timer = Timer(monotonic=lambda: 0.0, sleep=lambda _: None)
    if carrier.token_request() is None:
        return

    for body in ("", "null", "[]", "{}", '{"access_token": null}', "<html/>"):
        answer = httpx.Response(200, text=body)
        wire = Wire(key, timer, transport=httpx.MockTransport(lambda _, given=answer: given))
        with pytest.raises(Unreadable):
            carrier.fetch_token(wire)
        wire.close()


# -- answers nobody has thought of -------------------------------------------------


def changed_json(node: Any, random: Random) -> Any:
    """Return *node* with something somewhere in it replaced, doubled or gone."""
    if not isinstance(node, dict | list) or not node or random.random() < 0.1:
        return random.choice((*ODD, *ODD_STAMPS))
    copy: Any = dict(node) if isinstance(node, dict) else list(node)
    at = random.choice(list(node)) if isinstance(node, dict) else random.randrange(len(node))
    if random.random() < 0.1:
        del copy[at]
    elif isinstance(copy, list) and random.random() < 0.1:
        copy.append(copy[at])
    else:
        copy[at] = changed_json(node[at], random)
    return copy


def changed_xml(root: ElementTree.Element, random: Random) -> None:
    """Change one element below *root*: an attribute, a name, a child."""
    element = random.choice(list(root.iter()))
    attribute = random.choice([*element.attrib, "x"])
    texts = [odd for odd in (*ODD, *ODD_STAMPS) if isinstance(odd, str) and odd != "\x00"]
    match random.randrange(5):
        case 0:
            element.attrib.pop(attribute, None)
        case 1:
            element.tag = "html"
        case 2 if len(element):
            element.append(element[0])
        case 3 if len(element):
            element.remove(element[0])
        case _:
            element.set(attribute, random.choice([*texts, "-1", "5", "6", "100", "true", "ZU"]))


def changed(answer: Path, random: Random) -> bytes:
    """Return a sample with up to four changes that leave it well-formed."""
    if answer.suffix == ".json":
        node = json.loads(answer.read_bytes())
        for _ in range(random.randrange(1, 5)):
            node = changed_json(node, random)
        return json.dumps(node).encode()
    root = ElementTree.fromstring(answer.read_bytes())
    for _ in range(random.randrange(1, 5)):
        changed_xml(root, random)
    return ElementTree.tostring(root)


@every_carrier
@given(random=st.randoms(use_true_random=False))
def test_a_changed_answer_is_read_or_refused_never_a_crash(key: str, random: Random) -> None:
    answer = random.choice(sample_files(key))

    outcome = attempt(make(key), changed(answer, random))

    for reading in [] if isinstance(outcome, CallError) else outcome:
        assert reading.number is None or isinstance(reading.number, str)
        for scan in reading.scans:
            assert all(isinstance(text, str) for text in (scan.code, scan.text, scan.place))


@every_carrier
@given(random=st.randoms(use_true_random=False), noise=st.binary(min_size=1, max_size=8))
def test_a_broken_answer_is_read_or_refused_never_a_crash(
    key: str, random: Random, noise: bytes
) -> None:
    body = random.choice(sample_files(key)).read_bytes()
    start = random.randrange(len(body))
    end = start + random.randrange(20)

    outcome = attempt(make(key), body[:start] + noise + body[end:])

    assert isinstance(outcome, list) or outcome.peer == key


# -- recordings of others, where they lie beside the repository ---------------------

RECORDED = {"dhl_parcel_de", "dhl_unified", "ups"}
# Their answers name several numbers, have errors of their own or come from several interfaces, so
# their own tests hold the table of disagreements. Carrier -> the folder its recordings lie in.
READ_THEIR_OWN = {
    "aftership": "aftership",
    "australiapost": "australiapost",
    "bpost": "bpost",
    "canadapost": "canadapost",
    "dhl_express": "dhl_express",
    "dpd": "dpd",
    "dpd_soap": "dpd",
    "fedex": "fedex",
    "gls": "gls",
    "hermes": "hermes",
    "inpost": "inpost",
    "laposte": "laposte",
    "postnl": "postnl",
    "royalmail": "royalmail",
    "track17": "17track",
    "usps": "usps",
}
READS_INDEX = re.compile(r"^def test_\w*recordings\w*read_as_(?:their_index_says|listed)\(", re.M)
OLDER_WORDS = {
    "label_created": "announced",
    "picked_up": "dispatched",
    "available_for_pickup": "ready_for_pickup",
    "delivery_attempted": "delivery_failed",
    "returning_to_sender": "returning",
    "returned_to_sender": "returned",
    "exception/damage": "damaged",
    "exception": "other",
    "delivered/locker": "delivered",
    "unknown (not found)": "not found",
    "error:auth": "Rejected",
    "error:config": "Rejected",
    "error:retry": "Throttled",
    "error:bad_number": "not found",
}
# Recording -> the word we read instead, and why. An entry that is not needed fails the test.
OTHERWISE = {
    "dhl_parcel_de/signature.xml": (
        "no status",
        "a signature proves a delivery but dates no event; the recording shows no status",
    ),
    "dhl_unified/express-official-example.json": (
        "delivered",
        "the same in other words: the index adds a remark in brackets",
    ),
    "ups/spec-example-karrio.json": (
        "announced",
        "made up, and contradictory on purpose: only the listed statusCode 003 counts",
    ),
}


def told(carrier: Carrier, body: bytes) -> set[str]:
    """Return the words for what an answer says: status and open problems, or the error."""
    outcome = attempt(carrier, body, ())
    if isinstance(outcome, CallError):
        return {type(outcome).__name__}
    (reading,) = outcome
    if reading.not_found:
        return {"not found"}
    state = ends(carrier, reading)
    return {str(state.status or "no status"), *state.problems}


def index(folder: Path) -> dict[str, str]:
    """Return what each recording of our carriers should read as, in our words."""
    with (folder / "INDEX.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["file"]: row["expected_status"] for row in csv.DictReader(file)}
    ours = {name: word for name, word in rows.items() if name.split("/")[0] in RECORDED}
    return {name: OLDER_WORDS.get(word, word) for name, word in ours.items()}


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    wanted = index(folder)
    read = {name: told(make(name.split("/")[0]), (folder / name).read_bytes()) for name in wanted}

    assert {file.name for key in RECORDED for file in (folder / key).glob("*")} <= {
        name.split("/")[1] for name in wanted
    }
    assert {name: words for name, words in read.items() if wanted[name] not in words} == {
        name: {word} for name, (word, _) in OTHERWISE.items()
    }


def test_every_carrier_with_recordings_reads_them_here_or_in_its_own_tests(shared: Path) -> None:
    folders = {path.name for path in (shared / "data" / "samples").iterdir() if path.is_dir()}
    own_tests = {
        path.stem.removeprefix("test_")
        for path in Path(__file__).parent.glob("test_*.py")
        if READS_INDEX.search(path.read_text("utf-8"))
    }

    assert folders & CARRIERS.keys() == (RECORDED | READ_THEIR_OWN.keys()) & folders
    assert folders >= set(READ_THEIR_OWN.values())
    assert CARRIERS.keys() >= READ_THEIR_OWN.keys()
    assert own_tests >= READ_THEIR_OWN.keys()
    assert not RECORDED & READ_THEIR_OWN.keys()


def test_recordings_hold_as_many_scans_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    with (folder / "INDEX.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["events"] != "0"]
    counts = {
        row["file"]: int(row["events"]) for row in rows if row["file"].split("/")[0] in RECORDED
    }

    read = {
        name: make(name.split("/")[0]).decode_body((folder / name).read_bytes(), [])
        for name in counts
    }

    assert {name: len(reading.scans) for name, (reading,) in read.items()} == counts
