"""A shop in a pretended world: real files, real SQLite, real HTTP on loopback, pretended time.

world.parcel("1Z…", "dispatched 2h", "out_for_delivery 26h")
world.csv("1Z…;ups;a@shop.example;1001")
world.run("3h")
assert world.sent() == ["dispatched 2h"]
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from xml.sax.saxutils import quoteattr
from zoneinfo import ZoneInfo

from tracker_sync import settings
from tracker_sync.cli.assembly import build, open_store
from tracker_sync.messages.kinds import SPECS
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sandbox.klaviyo import PRIVATE_KEY, Event, PretendKlaviyo
from tracker_sync.sync import run_pass
from tracker_sync.sync.house import House
from tracker_sync.sync.lock import only_pass
from tracker_sync.sync.report import Report
from tracker_sync.wire import Timer

START = datetime(2026, 11, 2, 6, tzinfo=UTC)  # a Monday, 7:00 in Berlin
BERLIN = ZoneInfo("Europe/Berlin")
HEADER = "tracking_number;courier;email;order_id;direction;parcel_count;shipped_at;corrects"

UPS = {
    "announced": ("M", "MP", "003"),
    "dispatched": ("P", "PU", "038"),
    "in_transit": ("I", "DP", "005"),
    "out_for_delivery": ("I", "OF", "021"),
    "delivery_failed": ("X", "", "022"),
    "ready_for_pickup": ("X", "2Q", "161"),
    "delivered": ("D", "FS", "011"),
    "collected": ("D", "2W", "011"),
    "returning": ("X", "", "035"),
    "returned": ("D", "UA", "034"),
    "lost": ("X", "", "068"),
    "address": ("X", "", "050"),
    "delayed": ("X", "", "046"),
    "damaged": ("X", "", "059"),
    "new_code": ("X", "", "987"),
}
PARCEL_DE = {
    "announced": "NTPUP/CLRTE/AN",
    "dispatched": "PCKDU/PKBOX/AE",
    "in_transit": "ASMVT/NRQRD/NB",
    "out_for_delivery": "LDTMV/MVMTV/PO",
    "delivery_failed": "NTDEL/CNCNR/ZN",
    "ready_for_pickup": "HLDCC/LDPCK/LA",
    "delivered": "DLVRD/ACCPT/ZU",
    "revoked": "STORN/NRQRD/DD",
}
UNIFIED = {
    "announced": "pre-transit",
    "in_transit": "transit",
    "delivered": "delivered",
}
METRICS = {spec.metric: kind.value for kind, spec in SPECS.items()}


def moment(text: str) -> datetime:
    """`"26h"`, `"3d"` or `"90m"` after the start."""
    amount, unit = float(text[:-1]), text[-1]
    return START + timedelta(**{{"h": "hours", "d": "days", "m": "minutes"}[unit]: amount})


def spelled(at: datetime) -> str:
    """Hours after the start, as `moment` reads them."""
    hours = (at - START) / timedelta(hours=1)
    return f"{hours:g}h"


@dataclass
class World:
    """One shop and the services it talks to."""

    folder: Path
    klaviyo: PretendKlaviyo
    urls: dict[str, str]
    lives: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)
    now: datetime = START
    calls: Counter[str] = field(default_factory=Counter)
    carrier_faults: Callable[[str, int], Response | None] = lambda _carrier, _call: None
    files: int = 0
    asked: str = ""  # the last question to a carrier

    # -- what happens ----------------------------------------------------------

    def parcel(self, number: str, *entries: str) -> None:
        """Let a parcel live: `"out_for_delivery 26h"`, in any order."""
        life = [(moment(entry.split()[1]), entry.split()[0]) for entry in entries]
        self.lives[number] = sorted([*self.lives.get(number, []), *life], key=lambda e: e[0])

    def csv(self, *rows: str, header: str = HEADER) -> Path:
        """Put a file into the inbox."""
        self.files += 1
        path = self.folder / "inbox" / f"{self.files:03}.csv"
        width = header.count(";")
        full = [row + ";" * (width - row.count(";")) for row in rows]
        path.write_text("\n".join((header, *full)) + "\n", encoding="utf-8")
        return path

    # -- passes ----------------------------------------------------------------

    def run(self, at: str, *, step: Callable[[str], None] = lambda _name: None) -> Report:
        """One pass at that moment, in which every parcel that may be asked is due."""
        self.now = moment(at)
        with self.house(step=step) as house:
            hurry(house)
            return run_pass(house, self.now)

    def runs(self, first: str, last: str, every: str = "1h") -> None:
        """Passes on a grid."""
        at, gap = moment(first), moment(every) - START
        while at <= moment(last):
            self.run(spelled(at))
            at += gap

    @contextmanager
    def house(self, *, step: Callable[[str], None] = lambda _name: None) -> Iterator[House]:
        """The shop as a pass sees it."""
        wishes = settings.load(self.folder / "shop.yaml", environ={})
        with only_pass(wishes.database, datetime.now(UTC)):
            store = open_store(wishes)
            try:
                yield build(wishes, store, Hasty().timer(), self.now, step=step)
            finally:
                store.close()

    # -- what came of it ---------------------------------------------------------

    def events(self, email: str = "") -> list[Event]:
        """What Klaviyo has, history aside, in the order it came."""
        return [e for e in self.klaviyo.accepted if not e.backfill and email in (e.email, "")]

    def sent(self, email: str = "") -> list[str]:
        """Kinds and times of what Klaviyo has."""
        return [f"{METRICS.get(e.metric, e.metric)} {spelled(e.time)}" for e in self.events(email)]

    def kinds(self, email: str = "") -> list[str]:
        """Kinds of what Klaviyo has."""
        return [entry.split()[0] for entry in self.sent(email)]

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Look into the database file."""
        db = sqlite3.connect(self.folder / "shop.db")
        db.row_factory = sqlite3.Row
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def fates(self) -> list[str]:
        """Every message with what became of it, kinds that are off aside."""
        found = self.rows(
            "SELECT kind, ordinal, state, reason FROM messages WHERE reason <> 'not enabled'"
            " ORDER BY created_at, occurred_at, id"
        )
        return [
            f"{row['kind']} {row['ordinal']}: {row['state']} {row['reason']}".strip()
            for row in found
        ]

    def status(self, number: str) -> str | None:
        """The status of a parcel."""
        found = self.rows(
            "SELECT status FROM shipments s JOIN numbers n ON n.shipment_id = s.id"
            " WHERE n.number = ? ORDER BY leg DESC",
            number,
        )
        return found[0]["status"] if found else None

    # -- pretend carriers ----------------------------------------------------------

    def life(self, number: str) -> list[tuple[datetime, str]]:
        """What the carrier knows by now, oldest first."""
        return [(at, word) for at, word in self.lives.get(number, []) if at <= self.now]

    def answer(self, carrier: str, request: Request) -> Response:
        """Answer as a carrier does."""
        if request.path.endswith("/oauth/token"):
            return _json(200, {"access_token": "pretended", "expires_in": "14399"})
        self.calls[carrier] += 1
        self.asked = " ".join((request.path, *request.query.values()))
        fault = self.carrier_faults(carrier, self.calls[carrier])
        return fault or getattr(self, f"_{carrier}")(request)

    def _ups(self, request: Request) -> Response:
        number = request.path.rsplit("/", 1)[1]
        life = self.life(number)
        if not life:
            error = {"code": "TW0001", "message": "no information"}
            return _json(404, {"response": {"errors": [error]}})
        activities = [_activity(at, *UPS[word]) for at, word in reversed(life)]
        package = {
            "trackingNumber": number,
            "activity": activities,
            "currentStatus": {"code": activities[0]["status"]["statusCode"], "description": ""},
        }
        shipment = {"inquiryNumber": number, "package": [package]}
        return _json(200, {"trackResponse": {"shipment": [shipment]}})

    def _dhl_parcel_de(self, request: Request) -> Response:
        (codes,) = re.findall(r'piece-code="([^"]*)"', request.query["xml"])
        found = [(number, self.life(number)) for number in codes.split(";")]
        pieces = "".join(_piece(number, life) for number, life in found if life)
        code = 0 if pieces else 100
        text = f'<data name="piece-shipment-list" code="{code}" error="x">{pieces}</data>'
        return Response(200, {"content-type": "application/xml"}, text.encode())

    def _dhl_unified(self, request: Request) -> Response:
        number = request.query["trackingNumber"]
        events = [
            {"timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}", "statusCode": UNIFIED[word]}
            for at, word in reversed(self.life(number))
            if word in UNIFIED
        ]
        if not events:
            return _json(404, {"title": "No result found", "status": 404})
        shipment = {"id": number, "service": "parcel-de", "status": events[0], "events": events}
        return _json(200, {"shipments": [shipment]})


class Hasty:
    """A clock on which waiting takes no time."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def monotonic(self) -> float:
        """Real seconds, and those skipped."""
        return time.monotonic() + self.skipped

    def sleep(self, seconds: float) -> None:
        """Skip some."""
        self.skipped += seconds

    def timer(self) -> Timer:
        """As the house takes it."""
        return Timer(self.monotonic, self.sleep)


@contextmanager
def world(folder: Path, *carriers: str, wishes: str = "") -> Iterator[World]:
    """Start a world whose shop has the given carriers; *wishes* is more YAML."""
    klaviyo = PretendKlaviyo()
    shop = World(folder, klaviyo, {})
    with ExitStack() as stack:
        shop.urls["klaviyo"] = stack.enter_context(klaviyo.serve())
        for carrier in ("ups", "dhl_parcel_de", "dhl_unified"):
            shop.urls[carrier] = stack.enter_context(serve(partial(shop.answer, carrier)))
        (folder / "inbox").mkdir()
        configure(shop, *(carriers or ("ups",)), wishes=wishes)
        yield shop


def configure(shop: World, *carriers: str, wishes: str = "", klaviyo: str = "") -> None:
    """Write the shop's YAML."""
    keys = {
        "ups": "client_id: a, client_secret: b",
        "dhl_parcel_de": "api_key: a, api_secret: b, appname: c, password: d",
        "dhl_unified": "api_key: a, budget: {per_second: 50}",
    }
    blocks = "".join(
        f'  {carrier}: {{{keys[carrier]}, base_url: "{shop.urls[carrier]}"}}\n'
        for carrier in carriers
    )
    (shop.folder / "shop.yaml").write_text(
        "shop: {id: muster-shop, name: Muster Shop, timezone: Europe/Berlin, language: de}\n"
        "database: shop.db\n"
        'sources: [{type: csv, path: "inbox/*.csv"}]\n'
        f"carriers:\n{blocks}"
        f'klaviyo: {{private_key: {PRIVATE_KEY}, base_url: "{shop.urls["klaviyo"]}"{klaviyo}}}\n'
        f"{wishes or DEFAULT_WISHES}",
        encoding="utf-8",
    )


DEFAULT_WISHES = """
messages: {quiet_hours: off, max_per_recipient: 50}
follow_ups:
  review_request: {basis: existing_customer}
"""


def hurry(house: House) -> None:
    """Make every parcel due that may be asked at all."""
    from tracker_sync.store import stamp

    house.store._connection.run(
        "UPDATE shipments SET next_poll_at = ? WHERE next_poll_at IS NOT NULL AND failures = 0"
        " AND (status IS NULL OR status NOT IN ('delivered', 'returned'))",
        stamp(house.sources[0].context.now),
    )


def _json(status: int, payload: object) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(payload).encode())


def _activity(at: datetime, kind: str, code: str, status: str) -> dict[str, dict[str, str]]:
    stamps = {
        "date": f"{at:%Y%m%d}",
        "time": f"{at:%H%M%S}",
        "gmtDate": f"{at:%Y%m%d}",
        "gmtOffset": "+00:00",
        "gmtTime": f"{at:%H:%M:%S}",
    }
    parts = {"type": kind, "code": code, "statusCode": status, "description": ""}
    return {"status": {name: value for name, value in parts.items() if value}, **stamps}  # type: ignore[dict-item]


def _piece(number: str, life: list[tuple[datetime, str]]) -> str:
    events = "".join(_event(at, PARCEL_DE[word]) for at, word in life)
    newest = _attributes(*life[-1])
    return (
        f'<data name="piece-shipment" piece-code={quoteattr(number)} {newest}>'
        f'<data name="piece-event-list">{events}</data></data>'
    )


def _event(at: datetime, code: str) -> str:
    ice, ric, standard = code.split("/")
    return (
        f'<data name="piece-event" event-timestamp="{at.astimezone(BERLIN):%d.%m.%Y %H:%M}"'
        f' ice="{ice}" ric="{ric}" standard-event-code="{standard}" event-status=""/>'
    )


def _attributes(at: datetime, word: str) -> str:
    ice, ric, standard = PARCEL_DE[word].split("/")
    stamp = f"{at.astimezone(BERLIN):%d.%m.%Y %H:%M}"
    return (
        f'status-timestamp="{stamp}" ice="{ice}" ric="{ric}" standard-event-code="{standard}"'
        f' status="" delivery-event-flag="{int(word == "delivered")}"'
    )
