"""Do the keys work? One harmless call to each carrier, and Klaviyo is asked whose key it is.

Floor 4. Every call is reserved like any other. A carrier that refused its keys is left alone by
passes for a while; asked here by a person, and with success, it is let in again at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker_sync import carriers
from tracker_sync.carriers import Carrier
from tracker_sync.errors import CallError, Rejected, Throttled
from tracker_sync.klaviyo import Klaviyo, KlaviyoConfig
from tracker_sync.settings import Settings
from tracker_sync.store import Store
from tracker_sync.sync.account import charged_days, gap
from tracker_sync.sync.house import budget
from tracker_sync.wire import Limits, Timer, Wire

# Well formed, and nobody's parcel: the answer is "not found", or that the number is wrong.
_NOBODYS = {"ups": "1Z0000000000000000"}
_NOBODYS_ELSE = "00340000000000000000"
_KEYS = (401, 403, None)
_SOON = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking one of them."""

    name: str
    good: bool
    says: str


def _works(name: str, says: str) -> Answer:
    return Answer(name, good=True, says=says)


def _failed(name: str, says: str) -> Answer:
    return Answer(name, good=False, says=says)


def ask_all(settings: Settings, store: Store, timer: Timer, now: datetime) -> list[Answer]:
    """Ask every configured carrier, and Klaviyo."""
    classes = carriers.discover()
    mine = [classes[key](config) for key, config in settings.carriers.items()]
    answers = [_ask(carrier, store, timer, now) for carrier in mine]
    if settings.klaviyo:
        answers.append(_ask_klaviyo(settings.klaviyo, timer))
    return answers


def _ask(carrier: Carrier, store: Store, timer: Timer, now: datetime) -> Answer:
    key, ledger = carrier.key, store.ledger
    until = ledger.blocked_until(key)
    if until and until > now and ledger.carrier(key)["throttled"]:
        return _failed(key, f"wants no calls before {until:%Y-%m-%d %H:%M} UTC")
    if not _reserved(carrier, store, now):
        return _failed(key, "the calls of the day are used up")
    try:
        _call(carrier, store, timer, now)
    except Throttled as exc:
        ledger.throttled(key)
        pause = timedelta(seconds=exc.retry_after) if exc.retry_after else _SOON
        ledger.block(key, now + pause)
        return _failed(key, "asks us to call later; the keys could not be tried")
    except Rejected as exc:
        if exc.status in _KEYS:
            return _failed(key, exc.text)
    except CallError as exc:
        return _failed(key, f"could not be asked: {exc.text}")
    ledger.answered(key, now)
    ledger.block(key, None)
    store.journal.resolve(f"carrier:{key}", now)
    return _works(key, "the keys work")


def _reserved(carrier: Carrier, store: Store, now: datetime) -> bool:
    """Take what asking costs from the budget: a call, and where it counts one for the token."""
    wanted = 1 + int(carrier.tokens_count and carrier.token_request() is not None)
    day, *also = charged_days(carrier, now)
    got = store.ledger.reserve(carrier.key, day, wanted, budget(carrier)[0], also=also)
    for each in (day, *also) if got < wanted else ():
        store.ledger.give_back(carrier.key, each, got)
    return got == wanted


def _call(carrier: Carrier, store: Store, timer: Timer, now: datetime) -> None:
    """Ask with a new token: an old one would say nothing about the keys."""
    pause = gap(carrier)
    while pause and (wait := store.ledger.turn(carrier.key, timer.monotonic(), pause)):
        timer.sleep(wait)  # a pass may run at the same time
    with _wire(carrier.key, timer, carrier.config.timeout) as wire:
        token = None
        if carrier.token_request() is not None:
            fetched = carrier.fetch_token(wire)
            store.ledger.keep_token(carrier.key, fetched.value, now + fetched.lasts)
            token = fetched.value
        carrier.poll(wire, [_NOBODYS.get(carrier.brand, _NOBODYS_ELSE)], token)


def _ask_klaviyo(config: KlaviyoConfig, timer: Timer) -> Answer:
    klaviyo = Klaviyo(config)
    if config.public_key:
        return _works("klaviyo", f"account {config.public_key}; a public key cannot be tried")
    with _wire("klaviyo", timer, config.timeout) as wire:
        try:
            account, allowed = klaviyo.account(wire), klaviyo.key_allows_events(wire)
        except Rejected as exc:
            return _failed("klaviyo", exc.text)
        except CallError as exc:
            return _failed("klaviyo", f"could not be asked: {exc.text}")
    names = (account.name, account.public_key, account.timezone, account.test and "test account")
    whose = ", ".join(str(each) for each in names if each) or "name hidden (no accounts:read)"
    if allowed is False:
        return _failed("klaviyo", f"account {whose}: the key lacks the scope events:write")
    may = "may send events" if allowed else "whether it may send events cannot be told"
    return _works("klaviyo", f"account {whose}; the key {may}")


@contextmanager
def _wire(peer: str, timer: Timer, seconds: float) -> Iterator[Wire]:
    wire = Wire(peer, timer, limits=Limits(seconds=seconds))
    try:
        yield wire
    finally:
        wire.close()
