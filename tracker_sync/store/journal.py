"""What happened: passes, findings that need a person, unknown codes, bundles taken."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime

from tracker_sync.store.connection import Connection, stamp, unstamp


class Journal:
    """The operator's book."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def begin(self, now: datetime) -> int:
        """Note that a pass began; return its id."""
        cursor = self._db.run("INSERT INTO passes (started_at) VALUES (?)", stamp(now))
        return int(cursor.lastrowid or 0)

    def end(self, pass_id: int, now: datetime, exit_code: int, counts: Mapping[str, int]) -> None:
        """Note how a pass ended; old passes are forgotten after a while."""
        self._db.run(
            "UPDATE passes SET ended_at = ?, exit_code = ?, counts = ? WHERE id = ?",
            stamp(now),
            exit_code,
            json.dumps(dict(counts), sort_keys=True),
            pass_id,
        )
        self._db.run("DELETE FROM passes WHERE id < ?", pass_id - 50_000)
        self.tally(counts)

    def began(self, last: int) -> list[datetime]:
        """When the *last* passes began, the newest first."""
        found = self._db.rows("SELECT started_at FROM passes ORDER BY id DESC LIMIT ?", last)
        return [unstamp(row["started_at"]) for row in found]

    def finding(self, key: str, text: str, now: datetime) -> bool:
        """Note what needs a person; whether it is new."""
        new = self._db.value(
            "SELECT count(*) FROM findings WHERE key = ? AND resolved_at IS NULL", key
        )
        self._db.run(
            "INSERT INTO findings (key, text, first_at, last_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET text = excluded.text, last_at = excluded.last_at,"
            " first_at = CASE WHEN resolved_at IS NULL THEN first_at ELSE excluded.first_at END,"
            " resolved_at = NULL",
            key,
            text,
            stamp(now),
            stamp(now),
        )
        return not new

    def resolve(self, key: str, now: datetime) -> None:
        """Note that a finding is over."""
        self._db.run(
            "UPDATE findings SET resolved_at = ? WHERE resolved_at IS NULL AND key = ?",
            stamp(now),
            key,
        )

    def open_keys(self, begins: str) -> list[str]:
        """The keys of findings that are not over and begin like this."""
        found = self._db.rows(
            "SELECT key FROM findings WHERE key >= ?1 AND key < ?1 || char(1114111)"
            " AND resolved_at IS NULL",
            begins,
        )
        return [row["key"] for row in found]

    def let_go(self, before: datetime) -> None:
        """Take notices off the list that told of one event, a while ago."""
        self._db.run(
            "UPDATE findings SET resolved_at = last_at WHERE resolved_at IS NULL AND last_at < ?"
            " AND substr(key, 1, instr(key, ':')) IN"
            " ('expired:', 'ambiguous:', 'rejected:', 'crowded:', 'shipment:', 'message:',"
            " 'missing:', 'changed:', 'doubt:', 'short:')",
            stamp(before),
        )

    def findings(self) -> list[sqlite3.Row]:
        """What needs a person now, oldest first."""
        return self._db.rows("SELECT * FROM findings WHERE resolved_at IS NULL ORDER BY first_at")

    def unknown(self, carrier: str, code: str, text: str, now: datetime) -> bool:
        """Count a scan with an unlisted code; whether the code is new."""
        cursor = self._db.run(
            "INSERT INTO unknown_codes VALUES (?, ?, ?, 1, ?, ?)"
            " ON CONFLICT DO UPDATE SET count = count + 1, last_at = excluded.last_at"
            " RETURNING count",
            carrier,
            code,
            text,
            stamp(now),
            stamp(now),
        )
        return bool(cursor.fetchone()[0] == 1)

    def unknown_codes(self) -> list[sqlite3.Row]:
        """Codes no table lists, the most frequent first."""
        return self._db.rows("SELECT * FROM unknown_codes ORDER BY count DESC, carrier, code")

    def taken(self, source: str) -> set[str]:
        """Fingerprints of the bundles already taken from a source."""
        found = self._db.rows("SELECT fingerprint FROM taken WHERE source = ?", source)
        return {row["fingerprint"] for row in found}

    def take(self, source: str, fingerprint: str, name: str, now: datetime) -> None:
        """Note that a bundle was taken."""
        self._db.run(
            "INSERT OR IGNORE INTO taken VALUES (?, ?, ?, ?)", source, fingerprint, name, stamp(now)
        )

    def forget_taken(self, before: datetime) -> None:
        """Forget bundles taken before that moment; their files are gone by then."""
        self._db.run("DELETE FROM taken WHERE at < ?", stamp(before))

    def once_a_day(self, what: str, now: datetime) -> bool:
        """Whether *what* was not done yet on this day; says yes once a day."""
        day = stamp(now)[:10]
        cursor = self._db.run(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
            " WHERE value <> excluded.value",
            what,
            day,
        )
        return cursor.rowcount == 1

    def note(self, what: str, text: str) -> None:
        """Keep one word about something, in place of the last one."""
        self._db.run(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            *(what, text),
        )

    def noted(self, what: str) -> str:
        """What was last kept about something; blank if nothing was."""
        return self._db.value("SELECT value FROM meta WHERE name = ?", what) or ""

    def tally(self, counts: Mapping[str, int]) -> None:
        """Add the counts of a pass to those of all passes."""
        for what, count in counts.items():
            if count > 0:
                self._db.run(
                    "INSERT INTO tallies VALUES (?, ?)"
                    " ON CONFLICT DO UPDATE SET total = total + excluded.total",
                    *(what, count),
                )

    def tallies(self) -> dict[str, int]:
        """What all passes together did."""
        return {row["what"]: row["total"] for row in self._db.rows("SELECT * FROM tallies")}

    def pause(self, kind: str, now: datetime) -> None:
        """Hold back a kind of message; "*" = all."""
        self._db.run("INSERT OR IGNORE INTO pauses VALUES (?, ?)", kind, stamp(now))

    def resume(self, kind: str) -> bool:
        """Let a kind go again; "*" lets everything go; whether something was held."""
        if kind == "*":
            return self._db.run("DELETE FROM pauses").rowcount > 0
        return self._db.run("DELETE FROM pauses WHERE kind = ?", kind).rowcount > 0

    def pauses(self) -> list[sqlite3.Row]:
        """What is held back, and since when."""
        return self._db.rows("SELECT * FROM pauses ORDER BY kind")
