"""The merchant's file: what it may say, and what he is told when it says something else."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr, field_validator

from tracker_sync import settings
from tracker_sync.carriers import Carrier, CarrierConfig
from tracker_sync.errors import UserError
from tracker_sync.model import Kind, Status
from tracker_sync.settings import Basis, Items, Onboarding, Settings
from tracker_sync.sources import Source, SourceConfig

SECRET = "s3cret-that-nobody-may-see"
SHOP = "shop: {id: muster-shop, timezone: Europe/Berlin}\n"
ROOT = Path(__file__).parents[2]


class ParcelConfig(CarrierConfig):
    """Two keys."""

    client_id: str
    client_secret: SecretStr
    sandbox: bool = False


class TalkativeConfig(CarrierConfig):
    """A check that says too much."""

    api_key: SecretStr

    @field_validator("api_key")
    @classmethod
    def _complain(cls, key: SecretStr) -> SecretStr:
        raise ValueError(f"must not be {key.get_secret_value()}")


class FolderConfig(SourceConfig):
    """One key."""

    path: str = Field(min_length=1)
    token: SecretStr | None = None


def carrier(config: type[CarrierConfig], brand: str) -> type[Carrier]:
    facts = {"Config": config, "brand": brand, "any_brand": brand == "buyer", "goes_to": ""}
    return cast(type[Carrier], type("Pretend", (), facts))


class Folder(Source):
    """Has a Config, gives nothing."""

    key = "folder"
    Config: ClassVar = FolderConfig


CARRIERS = {
    "parcel": carrier(ParcelConfig, "parcel"),
    "parcel_plus": carrier(CarrierConfig, "parcel"),
    "talkative": carrier(TalkativeConfig, "talkative"),
    "buyer": carrier(CarrierConfig, "buyer"),
}
SOURCES: Mapping[str, type[Source]] = {"folder": Folder}


@pytest.fixture
def load(tmp_path: Path) -> Any:
    """Write the text and load it, with a few pretend carriers and no environment."""

    def _load(text: str | bytes, **environ: str) -> Settings:
        path = tmp_path / "tracker-sync.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(0o600)
        return settings.load(path, environ=environ, carriers=CARRIERS, sources=SOURCES)

    return _load


@pytest.fixture
def problems(load: Any) -> Any:
    """Load a text that is wrong and return what the merchant is told."""

    def _problems(text: str | bytes, **environ: str) -> list[str]:
        with pytest.raises(UserError) as caught:
            load(text, **environ)
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        return list(caught.value.problems)

    return _problems


# -- what it may say ---------------------------------------------------------------------------


def test_a_shop_alone_is_enough_and_everything_else_has_its_default(
    load: Any, tmp_path: Path
) -> None:
    found = load(SHOP)

    assert found.path == tmp_path / "tracker-sync.yaml"
    assert found.folder == tmp_path
    assert found.database == tmp_path / "tracker-sync.db"
    assert (found.sources, found.carriers, found.klaviyo) == ((), {}, None)
    assert found.shop.language == "en"
    assert str(found.shop.zone) == "Europe/Berlin"
    assert found.messages.onboarding is Onboarding.SILENT
    assert found.messages.max_age == timedelta(hours=48)
    assert found.messages.quiet_hours == (time(21), time(7))
    assert found.messages.items is Items.NAMES
    assert list(found.follow_ups) == ["pickup_reminder"]
    assert found.follow_ups["pickup_reminder"].after is Kind.READY_FOR_PICKUP
    assert found.retention.shipment == timedelta(days=180)
    assert found.polling.pass_limit == timedelta(minutes=4)


def test_carriers_and_sources_are_checked_by_their_own_keys(load: Any) -> None:
    found = load(
        SHOP
        + "sources: [{type: folder, path: inbox}]\n"
        + "carriers:\n"
        + f'  parcel: {{client_id: me, client_secret: "{SECRET}", codes: {{"007": in_transit}}}}\n'
        + "  parcel_plus:\n"
    )

    assert found.sources == (FolderConfig(path="inbox"),)
    assert isinstance(found.carriers["parcel"], ParcelConfig)
    assert found.carriers["parcel"].client_secret.get_secret_value() == SECRET
    assert found.carriers["parcel"].codes == {"007": Status.IN_TRANSIT}
    assert type(found.carriers["parcel_plus"]) is CarrierConfig


def test_text_stays_as_it_was_typed(load: Any) -> None:
    found = load(
        "shop: {id: 012345, name: no, timezone: UTC, country: NO}\n"
        "messages: {properties: {on: 12:30, Price: 1e3, Empty: ''}, rename: {delivered: yes}}\n"
    )

    assert (found.shop.id, found.shop.name, found.shop.country) == ("012345", "no", "NO")
    assert found.messages.properties == {"on": "12:30", "Price": "1e3", "Empty": ""}
    assert found.messages.rename == {Kind.DELIVERED: "yes"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("yes", True), ("on", True), ("true", True), ("no", False), ("Off", False), ("False", False)],
)
def test_yes_and_no_are_understood_where_they_are_meant(load: Any, typed: str, meant: bool) -> None:
    text = SHOP + f"messages: {{phone_if_no_email: {typed}}}\n"

    assert load(text).messages.phone_if_no_email is meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("48h", timedelta(hours=48)),
        ("3d", timedelta(days=3)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("1h 30m", timedelta(minutes=90)),
    ],
)
def test_durations_are_written_with_units(load: Any, typed: str, meant: timedelta) -> None:
    assert load(SHOP + f"messages: {{max_age: {typed}}}\n").messages.max_age == meant


@pytest.mark.parametrize(
    "typed", ["48", "3 weeks", "h", "''", "-3d", "1.5h", "12h1d", "٣d", "[3d]"]
)
def test_other_durations_are_answered_with_how_to_write_them(problems: Any, typed: str) -> None:
    assert problems(SHOP + f"messages: {{max_age: {typed}}}\n") == [
        "tracker-sync.yaml:2: messages.max_age is no duration; write 30m, 48h or 3d"
    ]


@pytest.mark.parametrize("typed", ["99999999d", "9" * 5000 + "d", "0d"])
def test_absurd_durations_are_refused(problems: Any, typed: str) -> None:
    (problem,) = problems(SHOP + f"messages: {{max_age: {typed}}}\n")

    assert "is too long" in problem or "must be more than nothing" in problem


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("21:00-07:00", (time(21), time(7))),
        ('"22:30 - 06:15"', (time(22, 30), time(6, 15))),
        ("off", None),
        ("no", None),
    ],
)
def test_quiet_hours(load: Any, typed: str, meant: object) -> None:
    assert load(SHOP + f"messages: {{quiet_hours: {typed}}}\n").messages.quiet_hours == meant


def test_a_key_without_a_value_counts_as_not_written(load: Any) -> None:
    found = load(SHOP + "messages:\n  # max_age: 24h\npolling: {every: }\ncarriers:\n")

    assert found.messages.max_age == timedelta(hours=48)
    assert found.carriers == {}


def test_anchors_may_save_typing(load: Any) -> None:
    found = load(SHOP + "retention: {recipient: &long 90d, shipment: *long}\n")

    assert found.retention.recipient == found.retention.shipment == timedelta(days=90)


# -- follow-ups --------------------------------------------------------------------------------


def test_a_review_request_needs_a_basis_and_nothing_else(load: Any) -> None:
    review = load(SHOP + "follow_ups: {review_request: {basis: none}}\n").follow_ups[
        "review_request"
    ]

    assert (review.after, review.delay) == (Kind.ORDER_DELIVERED, timedelta(days=3))
    assert (review.basis, review.at_most_every) == (Basis.NONE, timedelta(days=30))


def test_a_review_request_without_basis_is_refused_with_the_reason(problems: Any) -> None:
    (problem,) = problems(SHOP + "follow_ups:\n  review_request:\n")

    assert problem.startswith("tracker-sync.yaml:3: follow_ups.review_request is on, so its")
    assert "advertising" in problem


def test_a_follow_up_can_be_switched_off(load: Any) -> None:
    found = load(
        SHOP + "follow_ups: {review_request: {enabled: no}, pickup_reminder: {enabled: no}}\n"
    )

    assert not any(follow_up.enabled for follow_up in found.follow_ups.values())


def test_an_own_follow_up_needs_its_metric(load: Any, problems: Any) -> None:
    text = SHOP + "follow_ups: {care_tips: {after: delivered, delay: 1d%s}}\n"

    assert load(text % ", metric: Care Tips").follow_ups["care_tips"].metric == "Care Tips"
    assert problems(text % "") == ["tracker-sync.yaml:2: follow_ups.care_tips.metric is missing"]


def test_a_follow_up_follows_a_message_not_a_follow_up(problems: Any) -> None:
    (problem,) = problems(SHOP + "follow_ups: {pickup_reminder: {after: review_request}}\n")

    assert "pickup_reminder.after is itself a follow-up" in problem


@pytest.mark.parametrize("name", ["delivered", "Care Tips"])
def test_the_name_of_a_follow_up_is_a_word_of_its_own(problems: Any, name: str) -> None:
    (problem,) = problems(SHOP + f"follow_ups: {{{name}: {{after: lost, delay: 1d, metric: M}}}}\n")

    assert f"follow_ups.{name} cannot be the name of a follow-up" in problem


# -- what he is told ---------------------------------------------------------------------------


def test_all_problems_are_told_at_once_with_file_line_and_key(problems: Any) -> None:
    text = f"""\
shop:
  id: Muster Shop
  timezone: Europe/Berlim
carriers:
  parcel:
    client_id: me
    client_secrett: "{SECRET}"
    budget: {{per_day: many}}
  parsel: {{}}
sources:
  - type: foldr
  - {{type: folder}}
  - inbox
messages:
  mute: [in_transit, delivred]
  rename: {{delivred: "Angekommen"}}
  items: name
  links: {{review: "https://shop.invalid/{{order}}"}}
  also_as: {{tracking_number: T}}
  properties: {{Carrier: me}}
retention: 60d
pooling: {{every: 5m}}
"""
    assert problems(text) == [
        "tracker-sync.yaml:2: shop.id may hold small letters, digits, dots and dashes only,"
        " like muster-shop",
        "tracker-sync.yaml:3: shop.timezone is not a time zone; write one like Europe/Berlin",
        "tracker-sync.yaml:5: carriers.parcel.client_secret is missing",
        "tracker-sync.yaml:7: carriers.parcel.client_secrett is not a setting we know; did you mean"
        ' "client_secret"?',
        "tracker-sync.yaml:8: carriers.parcel.budget.per_day must be a whole number",
        'tracker-sync.yaml:9: carriers.parsel is not a carrier we know; did you mean "parcel"?',
        'tracker-sync.yaml:11: sources.1.type is not a source we know; did you mean "folder"?',
        "tracker-sync.yaml:12: sources.2.path is missing",
        "tracker-sync.yaml:13: sources.3 needs a type; known are folder",
        "tracker-sync.yaml:15: messages.mute.2 is not a kind of message we know; did you mean"
        ' "delivered"?',
        "tracker-sync.yaml:16: messages.rename.delivred is not a kind of message we know; did you"
        ' mean "delivered"?',
        'tracker-sync.yaml:17: messages.items must be off, names or full; did you mean "names"?',
        "tracker-sync.yaml:18: messages.links.review has a field we do not know; known are"
        " {order_number}, {order_id}, {tracking_number}",
        "tracker-sync.yaml:19: messages.also_as.tracking_number is not a property we send; did you"
        ' mean "TrackingNumber"?',
        "tracker-sync.yaml:20: messages.properties.Carrier is a property we fill ourselves; choose"
        " another name",
        "tracker-sync.yaml:21: retention must be a block of keys",
        'tracker-sync.yaml:22: pooling is not a setting we know; did you mean "polling"?',
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("carriers: {}\n", ":1: shop is missing"),
        (SHOP + "max_age: 48h\n", ':2: max_age is not a setting we know; it belongs under "messag'),
        (SHOP + "path: here\n", ":2: path is not a setting we know"),
        (SHOP + "carriers: parcel\n", ":2: carriers must be a block of keys"),
        (SHOP + "carriers: {parcel: key}\n", ":2: carriers.parcel must be a block of keys"),
        (SHOP + "sources: {type: folder}\n", ":2: sources must be a list; begin each entry with"),
        (SHOP + "follow_ups: [x]\n", ":2: follow_ups must be a block of keys"),
        (SHOP + "database: [x]\n", ":2: database must be text"),
        (SHOP + "messages: {mute: in_transit}\n", ":2: messages.mute must be a list, like [a, b]"),
        (SHOP + "messages: {prefix: [a]}\n", ":2: messages.prefix must be text"),
        (SHOP + "messages: {max_per_recipient: 0}\n", ":2: messages.max_per_recipient must be gre"),
        (SHOP + "messages: {quiet_hours: 9 to 5}\n", ':2: messages.quiet_hours must be two times'),
        (SHOP + "messages: {quiet_hours: 25:00-07:00}\n", ":2: messages.quiet_hours must be two"),
        (SHOP + "messages: {quiet_hours: 07:00-07:00}\n", ":2: messages.quiet_hours begin and"),
        (SHOP + "messages: {links: {review: shop.invalid}}\n", "links.review must begin with http"),
        (SHOP + 'messages: {links: {review: "https://a/{"}}\n', "has a brace without its partner"),
        (SHOP + 'messages: {links: {review: "https://a/{order_id!r}"}}\n', "has a field we do not"),
        (SHOP + 'messages: {links: {review: "https://a/{order_id.x}"}}\n', "has a field we do not"),
        (SHOP + "messages: {enable: [lost], mute: [lost]}\n", "has lost under enable and under mu"),
        (SHOP + "messages: {phone_if_no_email: maybe}\n", "phone_if_no_email must be true"),
        (SHOP + "retention: {recipient: 1d, shipment: 1h}\n", ":2: retention keeps recipient long"),
        (SHOP + "polling: {every: 1s}\n", ":2: polling.every must be greater than or equal to"),
        ("shop: {id: a, timezone: Europe}\n", ":1: shop.timezone is not a time zone"),
        ("shop: {id: a, timezone: ../../etc/passwd}\n", ":1: shop.timezone is not a time zone"),
        ("shop: {id: a, timezone: UTC, language: German}\n", "like de or en"),
        ("shop: {id: a, timezone: UTC, country: UK}\n", "the United Kingdom is GB"),
        ("shop: {id: a, timezone: UTC, country: Germany}\n", "must be a country of two letters"),
        (SHOP + "carriers: {parcel_plus: {codes: {X: arrived}}}\n", "returned, cancelled, lost, a"),
    ],
)  # fmt: skip
def test_one_mistake_gets_one_line(problems: Any, text: str, told: str) -> None:
    (problem,) = problems(text)

    assert problem.startswith("tracker-sync.yaml:")
    assert told in problem


def test_an_unfilled_placeholder_is_a_problem_not_a_key(problems: Any) -> None:
    text = (
        SHOP + "carriers: {parcel: {client_id: put-your-id-here, client_secret: put-your-key-here}}"
    )

    assert [problem.partition(" still holds")[0] for problem in problems(text)] == [
        "tracker-sync.yaml:2: carriers.parcel.client_id",
        "tracker-sync.yaml:2: carriers.parcel.client_secret",
    ]


# -- YAML's own traps --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ":1: the file is empty"),
        ("# nothing yet\n", ":1: the file is empty"),
        ("- shop\n", ":1: the file must be a block of keys"),
        ("shop\n", ":1: the file must be a block of keys"),
        (b"shop:\n  id: M\xfcller\n", ":2: not UTF-8"),
        (b"\xff\xfes\x00h\x00", ":1: not UTF-8"),
        ("shop:\n\tid: a\n", ":2: a tab; indent with blanks"),
        ("shop: {id: a\n", "not valid YAML"),
        ("shop:\n  id: a: b\n", ":2: not valid YAML: mapping values are not allowed here"),
        ("shop:\n  id: 'a\n", "not valid YAML"),
        (SHOP + "---\n" + SHOP, "not valid YAML"),
        ("shop:\n  id: a\x07\n", ":2: an invisible character"),
        ("shop: {[a]: b}\n", ":1: a key must be a word"),
        ("shop:\n  id: @x\n", ":2: a value begins with a sign YAML keeps for itself"),
        ("shop:\n  id: a\n    name: b\n", ":3: not valid YAML: mapping values are not allowed"),
        ("shop:\n    id: a\n  name: b\n", ":3: not valid YAML: check how this line and those"),
        ("shop: {id: [a}\n", ":1: not valid YAML: expected ',' or ']', but got '}'"),
        (f"shop:\n  id: !{SECRET}!x\n", ":2: a value begins with a sign YAML keeps for itself"),
        (f"shop:\n  id: *{SECRET}\n", ":2: a value begins with a sign YAML keeps for itself"),
        ("shop: " + "[" * 500 + "]" * 500, ":1: not valid YAML: nested too deeply"),
        ("shop: " + "{a: " * 3000 + "}" * 3000, ":1: not valid YAML: nested too deeply"),
        ("shop: &a [*a]\n", "far too many values"),
        ("x: " + "a" * 200_001, "too big for a configuration"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in pairwise("abcdefg")),
            "far too many values",
        ),
    ],
)  # fmt: skip
def test_a_broken_file_gets_one_line(problems: Any, text: str | bytes, told: str) -> None:
    (problem,) = problems(text)

    assert problem.startswith("tracker-sync.yaml:")
    assert told in problem
    assert len(problem) < 200


def test_a_key_written_twice_is_refused_with_both_lines(problems: Any) -> None:
    assert problems(SHOP + "messages: {}\nretention: {}\nmessages:\n  max_age: 1h\n") == [
        "tracker-sync.yaml:4: messages is written twice (first in line 2); remove one"
    ]


def test_a_duplicate_does_not_hide_other_problems(problems: Any) -> None:
    found = problems(SHOP + "messages:\n  prefix: a\n  prefix: b\n  max_ag: 1h\n")

    assert [problem.split(":")[1] for problem in found] == ["4", "5"]


def test_tags_are_refused(problems: Any) -> None:
    (problem,) = problems("shop: {id: !!python/name:os.system x, timezone: UTC}\n")

    assert problem == (
        'tracker-sync.yaml:1: shop.id begins with "!", a YAML tag; put the value in quotes'
    )


def test_a_byte_order_mark_and_windows_line_ends_are_fine(load: Any) -> None:
    text = b"\xef\xbb\xbfshop:\r\n  id: a\r\n  timezone: UTC\r\n"

    assert load(text).shop.id == "a"


def test_a_folder_or_a_missing_file_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.yaml"):
        with pytest.raises(UserError) as caught:
            settings.load(path, environ={})
        assert str(path) in str(caught.value)
        assert len(caught.value.problems) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_told(load: Any, tmp_path: Path) -> None:
    load(SHOP)
    path = tmp_path / "tracker-sync.yaml"
    path.chmod(0)

    with pytest.raises(UserError, match="permission denied"):
        settings.load(path, environ={})


@given(st.text(alphabet="shop:id {}[],-&*!#|>'\"\t\n\\~%@x1é", max_size=60))
def test_whatever_is_in_the_file_the_merchant_gets_problems_and_no_traceback(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UserError) as caught:
        settings.load(path, environ={}, carriers=CARRIERS, sources=SOURCES)
    assert all(problem.startswith("any.yaml:") for problem in caught.value.problems)


# -- secrets -----------------------------------------------------------------------------------

PARCEL = SHOP + "carriers:\n  parcel:\n    client_id: me\n    client_secret: %s\n"


def test_a_secret_may_lie_in_a_file_beside_the_configuration(load: Any, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\r\n\n")

    found = load(PARCEL % "{file: key}")

    assert found.carriers["parcel"].client_secret.get_secret_value() == SECRET


def test_a_credential_of_systemd_goes_before_a_file_beside(load: Any, tmp_path: Path) -> None:
    handed = tmp_path / "handed"
    handed.mkdir()
    (handed / "key").write_text(SECRET)
    (tmp_path / "key").write_text("another one")
    (tmp_path / "beside").write_text("beside")

    by_systemd = load(PARCEL % "{file: key}", CREDENTIALS_DIRECTORY=str(handed))
    beside = load(PARCEL % "{file: beside}", CREDENTIALS_DIRECTORY=str(handed))

    assert by_systemd.carriers["parcel"].client_secret.get_secret_value() == SECRET
    assert beside.carriers["parcel"].client_secret.get_secret_value() == "beside"


@pytest.mark.parametrize(
    ("content", "written", "told"),
    [
        (None, "{file: absent}", "names a file that cannot be read (no such file or directory)"),
        (None, "{file: .}", "names a file that cannot be read (is a directory)"),
        (b"\xff\xfe", "{file: key}", "names a file that is not UTF-8 text"),
        (b"\n", "{file: key}", "is empty"),
        (b"a\nb\n", "{file: key}", "holds a line break"),
        (b"a" * 70_000, "{file: key}", "names a file too big"),
        (None, "{fil: key}", "must be text, or {file: path}"),
        (None, "{file: }", "must be text, or {file: path}"),
        (None, '{file: "a\\0b"}', "names a file that is not UTF-8 text, or no file at all"),
        (None, "[a]", "must be text"),
        (None, '""', "is empty"),
        (None, "", "is missing"),
    ],
)
def test_a_secret_that_cannot_be_used_gets_one_line(
    problems: Any, tmp_path: Path, content: bytes | None, written: str, told: str
) -> None:
    (tmp_path / "key").write_bytes(content or b"")

    (problem,) = problems(PARCEL % written)

    assert "carriers.parcel.client_secret" in problem
    assert told in problem


def test_a_check_that_quotes_a_secret_is_silenced(problems: Any) -> None:
    assert problems(SHOP + f"carriers: {{talkative: {{api_key: {SECRET}}}}}\n") == [
        "tracker-sync.yaml:2: carriers.talkative.api_key must not be …"
    ]


@pytest.mark.parametrize(
    "block", [f"{{client_secret:{SECRET}: x}}", "{pk_%s: x}" % ("0" * 34), f'{{"  {SECRET}": x}}']
)
def test_a_secret_written_as_a_key_is_not_printed(problems: Any, block: str) -> None:
    found = problems(SHOP + f"carriers: {{parcel: {block}}}\n")

    assert "0" * 34 not in str(found)


def test_printing_settings_shows_no_secret(load: Any) -> None:
    text = PARCEL % SECRET + "klaviyo: {private_key: pk_secret, only_to: [kunde-1@shop.invalid]}\n"

    found = load(text)

    for shown in (repr(found), str(found), f"{found}", repr(found.carriers), repr(found.klaviyo)):
        assert SECRET not in shown
        assert "pk_secret" not in shown
    assert "invalid" not in repr(found)


def test_settings_cannot_be_changed(load: Any) -> None:
    found = load(SHOP)

    with pytest.raises(ValueError, match="frozen"):
        found.database = Path("elsewhere.db")
    with pytest.raises(ValueError, match="frozen"):
        found.shop.id = "another"


# -- the environment ---------------------------------------------------------------------------


def test_variables_win_over_the_file(load: Any) -> None:
    found = load(
        PARCEL % "old"
        + "sources: [{type: folder, path: old}]\nmessages: {properties: {Brand: old}}",
        TRACKER_SYNC_CARRIERS__PARCEL__CLIENT_SECRET=SECRET,
        TRACKER_SYNC_CARRIERS__PARCEL__SANDBOX="yes",
        TRACKER_SYNC_SOURCES__1__PATH="new",
        TRACKER_SYNC_SHOP__NAME="no",
        TRACKER_SYNC_MESSAGES__PROPERTIES__BRAND="new",
        TRACKER_SYNC_MESSAGES__RENAME__DELIVERED="Angekommen",
        TRACKER_SYNC_MESSAGES__MUTE="[in_transit, lost]",
        TRACKER_SYNC_MESSAGES__LINKS__REVIEW="https://shop.invalid/{order_number}",
        TRACKER_SYNC_POLLING__EVERY="15m",
        TRACKER_SYNC_FOLLOW_UPS__REVIEW_REQUEST__BASIS="consent",
        TRACKER_SYNC_CONFIG="elsewhere.yaml",
        TRACKER_SYNC_SHOP__COUNTRY="",
        OTHER_VARIABLE="x",
    )

    assert found.carriers["parcel"].client_secret.get_secret_value() == SECRET
    assert found.carriers["parcel"].client_id == "me"
    assert found.carriers["parcel"].sandbox is True
    assert found.sources[0].path == "new"
    assert (found.shop.name, found.shop.country) == ("no", None)
    assert found.messages.properties == {"Brand": "new"}
    assert found.messages.rename == {Kind.DELIVERED: "Angekommen"}
    assert found.messages.mute == (Kind.IN_TRANSIT, Kind.LOST)
    assert found.messages.links.review.endswith("{order_number}")
    assert found.polling.every == timedelta(minutes=15)
    assert found.follow_ups["review_request"].basis is Basis.CONSENT


def test_a_carrier_may_be_configured_by_variables_alone(load: Any, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET)

    found = load(
        SHOP,
        tracker_sync_carriers__parcel__client_id="me",
        TRACKER_SYNC_CARRIERS__PARCEL__CLIENT_SECRET__FILE="key",
        TRACKER_SYNC_SOURCES="[{type: folder, path: inbox}]",
    )

    assert found.carriers["parcel"].client_secret.get_secret_value() == SECRET
    assert found.sources == (FolderConfig(path="inbox"),)


def test_a_variable_meets_a_key_whatever_its_capitals(problems: Any) -> None:
    """Otherwise the file's PARCEL and the variable's parcel would be two carriers."""
    found = problems(
        SHOP + "carriers: {PARCEL: {client_id: me}}",
        TRACKER_SYNC_CARRIERS__PARCEL__CLIENT_SECRET="x",
    )

    assert found == [
        'tracker-sync.yaml:2: carriers.PARCEL is not a carrier we know; did you mean "parcel"?'
    ]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SHOP__ID", "A B", ": shop.id may hold small letters"),
        ("POLLING__EVERY", "often", ": polling.every is no duration; write 30m, 48h or 3d"),
        ("MESSAGES__MUTE", "[", ": not valid YAML"),
        ("MESSAGES__MUTE", "[delivred]", ": messages.mute.1 is not a kind of message we know"),
        (
            "MESSAGES__MAX_PER_RECIPIENT",
            SECRET,
            ": messages.max_per_recipient must be a whole numb",
        ),
        ("CARRIERS__PARCEL__CLIENT_SECRET", "put-your-key-here", "client_secret still holds the"),
        (
            "SHOP__NAM",
            "x",
            'did you mean "TRACKER_SYNC_SHOP__NAME"?',
        ),
        (
            "CARRIERS__PARCELL__SANDBOX",
            "x",
            'did you mean "TRACKER_SYNC_CARRIERS__PARCEL__SANDBOX"?',
        ),
        ("SOURCES__9__PATH", "x", ": fits no key of the configuration"),
        ("KLAVYIO__PRIVATE_KEY", "x", 'did you mean "TRACKER_SYNC_KLAVIYO__PRIVATE_KEY"?'),
        ("PATH", "x", ": fits no key of the configuration"),
        ("SHOP__(", "x", ": fits no key of the configuration"),
        ("SHOP__", "x", ": fits no key of the configuration"),
        ("", "x", ": fits no key of the configuration"),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(
    problems: Any, name: str, value: str, told: str
) -> None:
    (problem,) = problems(PARCEL % "x", **{f"TRACKER_SYNC_{name}": value})

    assert problem.startswith(f"TRACKER_SYNC_{name}: ")
    assert told in problem


def test_the_environment_of_the_process_is_read_when_none_is_given(
    load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(SHOP)
    monkeypatch.setenv("TRACKER_SYNC_SHOP__NAME", "Muster")

    assert settings.load(tmp_path / "tracker-sync.yaml").shop.name == "Muster"


def test_nothing_else_of_the_environment_is_read(
    load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library would take KLAVIYO, RETENTION and a .env file by the names of our fields."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KLAVIYO", '{"public_key": "AbC123"}')
    monkeypatch.setenv("TRACKER_SYNC_SHOP__NAME", "not given to load")
    (tmp_path / ".env").write_text("RETENTION__FILES=1d\nTRACKER_SYNC_SHOP__NAME=x\n")

    found = load(SHOP)

    assert found.klaviyo is None
    assert found.retention == settings.Retention()
    assert found.shop.name == ""


# -- places ------------------------------------------------------------------------------------


def test_the_database_lies_in_the_state_directory_only_where_none_is_stated(
    load: Any, tmp_path: Path
) -> None:
    state = {"STATE_DIRECTORY": "/var/lib/tracker-sync:/var/lib/other"}

    assert load(SHOP, **state).database == Path("/var/lib/tracker-sync/tracker-sync.db")
    assert load(SHOP + "database: data/mine.db", **state).database == tmp_path / "data/mine.db"
    assert load(SHOP + "database: /srv/mine.db").database == Path("/srv/mine.db")


def test_the_database_path_is_absolute_even_if_the_configuration_is_not(
    load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(SHOP)
    monkeypatch.chdir(tmp_path)

    found = settings.load(Path("tracker-sync.yaml"), environ={})

    assert found.database == tmp_path / "tracker-sync.db"


def test_the_option_goes_before_the_variable_and_that_before_the_usual_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named, usual = tmp_path / "named.yaml", Path("config/tracker-sync.yaml")
    usual.parent.mkdir()
    for path in (named, usual):
        path.touch()

    assert settings.find(named, {"TRACKER_SYNC_CONFIG": "x"}) == named
    assert settings.find(None, {"TRACKER_SYNC_CONFIG": str(named)}) == named
    assert settings.find(None, {"TRACKER_SYNC_CONFIG": ""}) == usual
    assert settings.find(None, {}) == usual


@pytest.mark.parametrize(
    ("option", "environ", "told"),
    [
        (Path("a.yaml"), {}, "a.yaml (--config)"),
        (None, {"TRACKER_SYNC_CONFIG": "b.yaml"}, "b.yaml (TRACKER_SYNC_CONFIG)"),
        (None, {}, "config/tracker-sync.yaml"),
    ],
)
def test_a_missing_configuration_is_answered_with_init(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: Path | None,
    environ: dict[str, str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UserError, match="run `tracker-sync init`") as caught:
        settings.find(option, environ)
    assert told in str(caught.value)


# -- doubts ------------------------------------------------------------------------------------


def test_a_useful_configuration_raises_no_doubts(load: Any) -> None:
    text = PARCEL % SECRET + "sources: [{type: folder, path: x}]\nklaviyo: {private_key: pk_x}\n"

    assert settings.warnings(load(text), CARRIERS) == []


def test_what_is_probably_not_meant_is_told(load: Any, tmp_path: Path) -> None:
    nothing = load(SHOP)
    (tmp_path / "tracker-sync.yaml").chmod(0o644)
    told = " ".join(settings.warnings(nothing, CARRIERS))
    rivals = load(PARCEL % SECRET + "  parcel_plus:\nklaviyo: {public_key: AbC123}\n")

    assert re.findall("chmod|no sources|no carriers|no klaviyo", told) == [
        "chmod",
        "no sources",
        "no carriers",
        "no klaviyo",
    ]
    assert any("parcel and parcel_plus" in text for text in settings.warnings(rivals, CARRIERS))
    assert any("public_key" in text for text in settings.warnings(rivals, CARRIERS))


# -- brands an aggregator answers for ------------------------------------------------------------


def test_a_brand_without_a_carrier_of_its_own_is_asked_via_an_aggregator(load: Any) -> None:
    found = load(SHOP + "carriers: {buyer: {}, evri: {via: buyer, via_code: evri-uk}}\n")

    assert list(found.carriers) == ["buyer"]
    assert {brand: (b.via, b.via_code) for brand, b in found.brands.items()} == {
        "evri": ("buyer", "evri-uk")
    }


def test_a_carrier_without_keys_is_its_brand_via_an_aggregator(load: Any) -> None:
    found = load(SHOP + "carriers: {buyer: {}, parcel_plus: {via: buyer}}\n")

    assert list(found.carriers) == ["buyer"]
    assert list(found.brands) == ["parcel"]


def test_a_carrier_with_keys_may_have_an_aggregator_behind_it(load: Any) -> None:
    found = load(PARCEL % SECRET + "    via: buyer\n  buyer: {}\n")

    assert found.carriers["parcel"].via == "buyer"
    assert not found.brands


@pytest.mark.parametrize("via", ["nobody", "parcel"])
def test_via_must_name_an_aggregator_that_is_configured(problems: Any, via: str) -> None:
    told = problems(PARCEL % SECRET + f"  evri: {{via: {via}}}\n")

    assert len(told) == 1
    assert "names no aggregator that is configured; known are buyer" in told[0]
    assert ":6:" in told[0]


def test_the_brands_of_aggregators_are_no_key_of_the_file(problems: Any) -> None:
    assert "brands" in problems(SHOP + "brands: {evri: {via: buyer}}\n")[0]


def test_the_courier_of_a_source_must_be_known(load: Any, problems: Any) -> None:
    row = "sources: [{type: folder, path: x, courier: %s}]\n"

    assert load(SHOP + row % "DHL Paket").sources[0].courier == "DHL Paket"
    assert "nobody we know" in problems(SHOP + row % "Hans")[0]


# -- the example -------------------------------------------------------------------------------


def filled(text: str) -> str:
    """The example after a merchant has filled it in."""
    return re.sub(r"put-your-[a-z-]+-here", "muster-1", text)


def uncommented(text: str) -> str:
    """The example with every commented key in use, but for the second of two Klaviyo keys."""
    lines = (re.sub(r"^(\s*)#(?=[^\s#])", r"\1", line) for line in text.splitlines())
    return "\n".join(line for line in lines if "public_key:" not in line)


def load_example(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "tracker-sync.yaml"
    path.write_text(text, encoding="utf-8")
    return settings.load(path, environ={})


def test_the_example_is_the_one_that_init_writes() -> None:
    beside = ROOT / "config" / "tracker-sync.example.yaml"

    assert beside.read_text(encoding="utf-8") == settings.example()


def test_the_example_loads_once_it_is_filled_in(tmp_path: Path) -> None:
    found = load_example(tmp_path, filled(settings.example()))

    assert list(found.carriers) == ["dhl_unified"]
    assert len(found.sources) == 1
    assert found.klaviyo is not None


def test_the_example_names_what_is_still_to_be_filled_in(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_example(tmp_path, settings.example())

    assert len(caught.value.problems) == len(re.findall("put-your-.*-here", "\n".join(
        line for line in settings.example().splitlines() if not line.strip().startswith("#")
    )))  # fmt: skip


def test_every_commented_key_of_the_example_is_right_and_shows_the_default(tmp_path: Path) -> None:
    found = load_example(tmp_path, uncommented(filled(settings.example())))
    plain = load_example(tmp_path, filled(settings.example()))

    examples = {"rename", "enable", "mute", "also_as", "properties", "links"}
    kept = {*type(found.messages).model_fields} - examples
    assert {k: getattr(found.messages, k) for k in kept} == {
        k: getattr(plain.messages, k) for k in kept
    }
    assert found.polling == plain.polling
    assert found.retention == settings.Retention()
    assert found.database == plain.database
    assert found.klaviyo is not None
    assert plain.klaviyo is not None
    assert found.klaviyo.model_dump(exclude={"base_url"}) == plain.klaviyo.model_dump(
        exclude={"base_url"}
    )
    assert found.follow_ups["pickup_reminder"] == plain.follow_ups["pickup_reminder"]


def test_the_example_shows_every_key(tmp_path: Path) -> None:
    tree = yaml.safe_load(uncommented(filled(settings.example())))
    blocks = {
        "shop": settings.Shop,
        "messages": settings.Messages,
        "retention": settings.Retention,
        "polling": settings.Polling,
        "monitoring": settings.Monitoring,
    }

    assert set(tree) == set(Settings.model_fields) - {"path", "brands"}
    assert {name: set(tree[name]) for name in blocks} == {
        name: set(model.model_fields) for name, model in blocks.items()
    }
    assert set(tree["messages"]["links"]) == set(settings.Links.model_fields)
    assert set(tree["carriers"]["dhl_unified"]) >= set(CarrierConfig.model_fields)
    stated = {key for follow_up in tree["follow_ups"].values() for key in follow_up}
    assert stated == set(settings.FollowUp.model_fields)


def test_the_sample_of_the_design_loads(shared: Path, tmp_path: Path) -> None:
    text = (shared / "DESIGN.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)

    found = load_example(tmp_path, sample.replace("pk_…", "pk_x").replace("only_to: […]", ""))

    assert list(found.carriers) == ["dhl_parcel_de", "dhl_unified", "ups"]
    assert found.messages.enable == (Kind.ORDER_DELIVERED,)
