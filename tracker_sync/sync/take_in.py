"""From sources to shipments: every bundle, each announcement on its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog

from tracker_sync.carriers.brands import brand_called
from tracker_sync.errors import CallError, StoreError, TrackerError
from tracker_sync.model import Advice
from tracker_sync.sources import Bundle, Reject, Source
from tracker_sync.sync.guard import safely
from tracker_sync.sync.house import House
from tracker_sync.sync.intake import Intaker, Refused, Undecided
from tracker_sync.sync.report import Report
from tracker_sync.sync.vetting import Vetting

log = structlog.get_logger()

_PAGE = 500
_ENDS = 3  # numbers shown of those that wait


def take_all(house: House, report: Report, now: datetime) -> None:
    """Ask every source; one that fails costs only itself."""
    for rank, source in enumerate(house.sources):
        try:
            _take_from(house, source, rank, report, now=now)
        except StoreError:
            raise
        except (TrackerError, OSError) as exc:
            text = exc.text if isinstance(exc, CallError) else str(exc)
            report.finding(f"source:{source.name}", f"source {source.name} failed: {text}")
        else:
            report.over(f"source:{source.name}")
        house.step("source")
    _tell_who_waits(house, report)


def _tell_who_waits(house: House, report: Report) -> None:
    """Announcements without a brand are found again in `status`, until somebody names it."""
    groups = {f"waiting:{group['rivals']}": group for group in house.store.waiting.groups()}
    for key, group in groups.items():
        report.finding(key, who_waits(group["count"], group["rivals"].split(), group["ends"]))
    for key in house.store.journal.open_keys("waiting:"):
        if key not in groups:
            report.over(key)


def who_waits(count: int, rivals: Sequence[str], ends: str) -> str:
    """Say how many parcels wait for their brand, why, and what to do."""
    one = count == 1
    fits = f"{'fits' if one else 'fit'} "
    fits += f"{' and '.join(rivals)} alike" if rivals else "no configured carrier"
    shown = ", ".join(f"…{end}" for end in ends.split(",")[:_ENDS])
    return (
        f"{count} {'parcel waits' if one else 'parcels wait'} for a courier,"
        f" the {'number' if one else 'numbers'} {fits} ({shown}): name it in the feed, or"
        " `courier:` at the source for all its rows"
    )


def _take_from(house: House, source: Source, rank: int, report: Report, *, now: datetime) -> None:
    journal, ledger = house.store.journal, house.store.ledger
    active = ledger.activate("source", source.name, now)
    usual = brand_called(source.config.courier) or ""
    gate = Gate(
        house, Intaker(house, source.name, rank, active_from=active, now=now, usual=usual), report
    )
    gate.try_again(now)
    vetting, taken = Vetting(house, report, source, now), journal.taken(source.name)
    for bundle in source.fetch(frozenset(taken)):
        if vetting.holds(bundle):
            continue
        with house.store.transaction():
            refused = gate.take_bundle(bundle, now, vetting)
            if bundle.fingerprint not in taken:
                vetting.taken(bundle)
            journal.take(source.name, bundle.fingerprint, bundle.name, now)
        taken.add(bundle.fingerprint)
        house.store.on_disk()  # before the file moves away
        house.step("bundle stored")
        house.done(source, bundle, refused)
        house.step("bundle done")
        report.bundle(source.name, bundle, refused)
    vetting.over()


class Gate:
    """Lets the announcements of one source in; what fails costs only itself."""

    def __init__(self, house: House, intake: Intaker, report: Report) -> None:
        self._house = house
        self._intake = intake
        self._report = report

    def take_bundle(
        self, bundle: Bundle, now: datetime, vetting: Vetting | None = None
    ) -> tuple[Reject, ...]:
        """Take every announcement; return those refused, with the reason."""
        clear, disputed = vetting.disputed(bundle) if vetting else (bundle, ())
        refused, changed = [*disputed], list[str]()
        for advice in clear.advices:
            if why := self._take(advice, changed, now):
                refused.append(Reject(advice.where, why))
        if changed:
            more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
            key = f"changed:{self._intake.source}:{bundle.fingerprint[:12]}"
            self._report.finding(key, f"{changed[0]}{more}")
        return tuple(refused)

    def _take(self, advice: Advice, changed: list[str], now: datetime) -> str:
        """Take one announcement; return why not, and note what it *changed*."""
        store, key = self._house.store, f"shipment:{advice.where}"
        try:
            taken = safely(store, self._report, key, partial(self._intake.take, advice))
        except Undecided as exc:
            self._wait(advice, exc.rivals, now)
            return ""
        except Refused as exc:
            return str(exc)
        if taken is None:
            return "it broke the program; see the log"
        self._report.count(taken.intake.value)
        if taken.reason:
            changed.append(f"{advice.where}: …{advice.number[-6:]} {taken.reason}")
        return ""

    def try_again(self, now: datetime) -> None:
        """Take what waited for its brand, where other brands are configured by now."""
        waiting, source = self._house.store.waiting, self._intake.source
        with self._house.store.transaction():
            for advice in waiting.untried(source, self._intake.tried, _PAGE):
                for reject in self.take_bundle(Bundle("", "", (advice,)), now):
                    waiting.over(source, advice.number)
                    key = f"rejected:{source}:{reject.where}"
                    self._report.finding(key, f"{reject.where}: {reject.why}")

    def _wait(self, advice: Advice, rivals: tuple[str, ...], now: datetime) -> None:
        """Keep an announcement until somebody says whose parcel it is."""
        waiting = self._house.store.waiting
        new = waiting.keep(self._intake.source, advice, rivals, tried=self._intake.tried, now=now)
        self._report.count("waiting", int(new))
