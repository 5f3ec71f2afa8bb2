"""A process may die after every step of every pass: nothing is lost, nothing is told twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from passes.crashing import CRASHED, one_pass
from passes.processes import ready_for
from passes.world import World, moment, world
from tracker_sync.sandbox.klaviyo import Event

A, B, C = "1Z999AA10123456784", "1Z999AA10123456799", "1Z999AA10123456805"
BACK = "1Z999AA1R123456781"
PASSES = ("0h", "3h", "27h", "31h", "60h", "104h")


def prepare(shop: World) -> None:
    """Parcels of several customers, a return."""
    shop.parcel(A, "dispatched 2h", "out_for_delivery 26h", "delivered 30h")
    shop.parcel(B, "dispatched 2h", "delayed 25h", "out_for_delivery 26h", "ready_for_pickup 30h")
    shop.parcel(C, "announced 1h", "dispatched 26h", "returning 50h")
    shop.parcel(BACK, "dispatched 55h", "delivered 100h")


def arrive(shop: World, at: str) -> None:
    """Files arrive before some passes; one has a bad row."""
    if at == "3h":
        shop.csv(f"{A};ups;a@shop.example;1001", f"{B};ups;b@shop.example;1002", "1Z/x;ups")
    if at == "27h":
        shop.csv(f"{C};ups;b@shop.example;1003")
    if at == "31h":
        shop.csv(f"{BACK};ups;b@shop.example;1002;return")


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return ready_for("passes.crashing")


def run(
    processes: ForkServerContext,
    shop: World,
    dies_at: int | None = None,
    names: Path | None = None,
) -> int:
    """One pass in a process of its own; its exit code."""
    process = processes.Process(
        target=one_pass,
        args=(str(shop.folder), shop.now.isoformat(), dies_at, str(names) if names else None),
    )
    process.start()
    process.join(60)
    return process.exitcode or 0


@contextmanager
def undone(shop: World, aside: Path) -> Iterator[None]:
    """Put files, database and Klaviyo back afterwards."""
    shutil.copytree(shop.folder, aside)
    klaviyo = shop.klaviyo
    kept = (list(klaviyo.accepted), list(klaviyo.duplicates), dict(klaviyo._firsts))
    yield
    shutil.rmtree(shop.folder)
    aside.rename(shop.folder)
    klaviyo.accepted, klaviyo.duplicates, klaviyo._firsts = kept


def facts(event: Event) -> tuple[object, ...]:
    """What must be the same, whatever happened in between: time, body, recipient."""
    return (event.unique_id, event.metric, event.email, event.time, str(event.properties))


def world_after(shop: World) -> list[object]:
    """Everything that counts after a pass: what Klaviyo has, what we know, what we owe."""
    messages = shop.rows("SELECT id, kind, state, occurred_at, metric, body FROM messages")
    shipments = shop.rows(
        "SELECT number, status, status_at, problems, email, closed_reason, delivered_at"
        " FROM shipments"
    )
    orders = shop.rows("SELECT reference, completed_at FROM orders")
    scans = shop.rows("SELECT shipment_id, at, code FROM scans")
    files = sorted(str(p.relative_to(shop.folder)) for p in shop.folder.glob("inbox/**/*.csv"))
    tables = [sorted(map(tuple, rows), key=str) for rows in (messages, shipments, orders, scans)]
    return [sorted(map(facts, shop.klaviyo.accepted), key=str), *tables, files]


@pytest.mark.timeout(600)
def test_a_crash_after_any_step_loses_and_doubles_nothing(
    tmp_path: Path, processes: ForkServerContext
) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    crashes = 0
    with world(folder) as shop:
        prepare(shop)
        for at in PASSES:
            shop.now = moment(at)
            arrive(shop, at)
            with undone(shop, tmp_path / "aside"):
                assert run(processes, shop, names=tmp_path / "steps") == 0
                expected = world_after(shop)
            for step, name in enumerate((tmp_path / "steps").read_text().splitlines()):
                with undone(shop, tmp_path / "aside"):
                    # Threads may finish in another order, so the last steps may not come.
                    crashes += run(processes, shop, dies_at=step) == CRASHED
                    assert run(processes, shop) == 0
                    assert world_after(shop) == expected, f"died at {at} after {name!r} ({step})"
                    assert all(facts(a) == facts(b) for a, b in shop.klaviyo.duplicates)
            assert run(processes, shop) == 0

        assert len(shop.klaviyo.accepted) >= 10
    assert crashes > 60
