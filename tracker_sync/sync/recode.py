"""Give stored scans the meaning the merchant wrote for their code.

A pass reads new scans by the merchant's table at once; those it has stored already keep what they
were understood as until somebody has looked at what would follow. Then a history is walked anew:
forward only, and what is too old to be told is withheld like any other old news.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from tracker_sync.model import Meaning
from tracker_sync.sync import looked, record
from tracker_sync.sync.guard import safely
from tracker_sync.sync.house import House
from tracker_sync.sync.report import Report

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Recoded:
    """A code the merchant has given a meaning, and what is stored under another one."""

    carrier: str
    code: str
    meaning: Meaning
    scans: int
    shipments: frozenset[int]


def outstanding(house: House) -> list[Recoded]:
    """What the merchant's tables say otherwise than the stored scans."""
    return [recoded for recoded in _mapped(house) if recoded.scans]


def _mapped(house: House) -> Iterator[Recoded]:
    for carrier in house.carriers.values():
        for code in carrier.config.codes:
            meaning = carrier.meaning(code) or Meaning()
            scans, whose = house.store.recoding.differing(carrier.key, code, meaning)
            yield Recoded(carrier.key, code, meaning, scans, frozenset(whose))


def apply(house: House, report: Report, now: datetime) -> None:
    """Read what is stored anew; stopped half-way, it goes on where it stopped."""
    found = outstanding(house)
    shipments = sorted(set().union(*(each.shipments for each in found)))
    for start in range(0, len(shipments), _PAGE):
        with house.store.transaction():
            for shipment_id in shipments[start : start + _PAGE]:
                action = partial(_one, house, found, shipment_id, now)
                news = safely(house.store, report, f"shipment:{shipment_id}", action)
                report.count("transitions", news or 0)
        house.step("read anew")
    for carrier in house.carriers.values():
        house.store.recoding.known(carrier.key, carrier.config.codes)


def _one(house: House, found: list[Recoded], shipment_id: int, now: datetime) -> int:
    for each in found:
        if shipment_id in each.shipments:
            house.store.recoding.read_anew(shipment_id, each.carrier, each.code, each.meaning)
    shipments = house.store.shipments
    news = record.refresh(house, shipments.get(shipment_id), now)
    looked.plan_anew(house, shipment_id, now)
    return news
