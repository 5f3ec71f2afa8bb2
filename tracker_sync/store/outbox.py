"""Questions about messages: what is owed, to whom, and what became of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from tracker_sync.messages.message import Message
from tracker_sync.model import Transition
from tracker_sync.store import rows
from tracker_sync.store.connection import Connection, stamp, unstamp
from tracker_sync.store.frozen import Frozen

_STATES = ("owed", "set_aside", "accepted", "withheld", "dropped")
_OWE = (
    "INSERT INTO messages (id, kind, ordinal, subject, shipment_id, order_id, attempt,"
    " occurred_at, due_at, backfill, state, reason, decided_at, created_at, transition_id)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
    " (SELECT id FROM transitions WHERE shipment_id = ? AND word = ? AND attempt = ?))"
    " ON CONFLICT DO NOTHING"
)
_UNTRIED = "body = NULL, recipient = NULL, metric = NULL, attempts = 0, attempted_at = NULL"


class Outbox:
    """Messages owed, and what was decided about them."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    # -- owing ---------------------------------------------------------------

    def owe(
        self,
        message: Message,
        now: datetime,
        *,
        transition: Transition | None = None,
        withheld: str | None = None,
    ) -> bool:
        """Owe a message; False where the same one exists already.

        *transition*: what owes it. *withheld*: why it cannot go any more, known at once.
        """
        state = ("owed", "") if withheld is None else ("withheld", withheld)
        values = (*rows.message_values(message), *state, stamp(now), stamp(now))
        word, attempt = transition.key if transition else (None, None)
        cause = (message.shipment_id, word, attempt)
        memory = self._db.memory
        if message.shipment_id in memory.scans:
            new = message.id not in memory.messages
            if new:
                memory.messages.add(message.id)
                self._db.later(_OWE, *values, *cause)
            return new
        return self._db.run(_OWE, *values, *cause).rowcount == 1

    def owe_again(self, message: Message, now: datetime) -> bool:
        """Owe a withheld message that was never attempted anew, with its new times."""
        cursor = self._db.run(
            "UPDATE messages SET state = 'owed', reason = '', occurred_at = ?, due_at = ?,"
            " shipment_id = ?, order_id = ?, decided_at = ?"
            " WHERE id = ? AND attempts = 0 AND state IN ('owed', 'withheld')",
            *(stamp(message.occurred_at), stamp(message.due_at)),
            *(message.shipment_id, message.order_id, stamp(now), message.id),
        )
        return cursor.rowcount == 1

    def reschedule(self, message: Message) -> None:
        """Move an owed follow-up that was never attempted to its new due time."""
        self._db.run(
            "UPDATE messages SET occurred_at = ?, due_at = ? WHERE id = ? AND state = 'owed'"
            " AND attempts = 0 AND occurred_at <> ?",
            *(stamp(message.occurred_at), stamp(message.due_at)),
            *(message.id, stamp(message.occurred_at)),
        )

    def hasten(self, shipment_id: int, reason: str, now: datetime) -> None:
        """Judge messages of a parcel or its orders again now: what they wait for is here."""
        self._db.run(
            "UPDATE messages SET due_at = ? WHERE state = 'owed' AND attempts = 0 AND reason = ?"
            " AND (shipment_id = ? OR order_id IN"
            " (SELECT order_id FROM shipment_orders WHERE shipment_id = ?))",
            *(stamp(now), reason, shipment_id, shipment_id),
        )

    # -- deciding ------------------------------------------------------------

    def owed(self, now: datetime, limit: int) -> list[sqlite3.Row]:
        """Messages to be judged or sent, in the order they happened; paused kinds stay."""
        return self._db.rows(
            # Chosen from the index alone: a backlog is put in order again and again.
            "SELECT * FROM messages WHERE id IN (SELECT id FROM messages INDEXED BY messages_owed"
            " WHERE state = 'owed' AND due_at <= ? AND kind NOT IN (SELECT kind FROM pauses)"
            " AND NOT EXISTS (SELECT 1 FROM pauses WHERE kind = '*')"
            " ORDER BY occurred_at, created_at, id LIMIT ?)"
            " ORDER BY occurred_at, created_at, id",
            *(stamp(now), limit),
        )

    def next_due(self) -> datetime | None:
        """When the next owed message is to be looked at."""
        text = self._db.value("SELECT min(due_at) FROM messages WHERE state = 'owed'")
        return unstamp(text) if text else None

    def withhold(self, message_id: str, reason: str, now: datetime) -> None:
        """Record that a message will not go, and why."""
        self._decide(message_id, ("withheld", reason), now)

    def hold(self, message_id: str, reason: str, until: datetime) -> None:
        """Leave a message owed; judge it again at *until*."""
        self._db.run(
            "UPDATE messages SET due_at = ?, reason = ? WHERE id = ? AND state = 'owed'",
            *(stamp(until), reason, message_id),
        )

    def freeze(self, frozen: Frozen, metric: str, now: datetime) -> None:
        """Fix a message for good: from here on only its fate changes."""
        self._db.run(
            "UPDATE messages SET body = ?, recipient = ?, metric = ?, backfill = ?, attempts = 1,"
            " attempted_at = ?, reason = '' WHERE id = ? AND attempts = 0 AND state = 'owed'",
            *(frozen.body, frozen.recipient, metric, int(frozen.backfill)),
            *(stamp(now), frozen.id),
        )

    def unfreeze(self, message_id: str) -> None:
        """A first attempt that certainly did not arrive was none: it is judged anew."""
        self._db.run(
            f"UPDATE messages SET {_UNTRIED}"  # noqa: S608  a constant
            " WHERE id = ? AND state = 'owed' AND attempts = 1",
            message_id,
        )

    def try_again(self, message_ids: Sequence[str]) -> None:
        """Count another attempt of frozen messages."""
        for message_id in message_ids:
            self._db.run(
                "UPDATE messages SET attempts = attempts + 1 WHERE id = ? AND state = 'owed'",
                message_id,
            )

    def accepted(self, message_id: str, now: datetime) -> None:
        """Klaviyo has it."""
        self._decide(message_id, ("accepted", ""), now)

    def set_aside(self, message_id: str, reason: str, now: datetime) -> None:
        """Klaviyo refuses it; a person decides."""
        self._decide(message_id, ("set_aside", reason), now)

    def retry(self, message_id: str, now: datetime) -> bool:
        """Owe a set-aside message again, to be judged and written anew; whether there was one."""
        cursor = self._db.run(
            f"UPDATE messages SET {_UNTRIED}, state = 'owed', reason = '',"  # noqa: S608  a constant
            " due_at = ?, decided_at = ? WHERE id = ? AND state = 'set_aside'",
            *(stamp(now), stamp(now), message_id),
        )
        return cursor.rowcount == 1

    def drop(self, message_id: str, now: datetime) -> bool:
        """Give up a message at an operator's wish; whether there was one."""
        cursor = self._db.run(
            "UPDATE messages SET state = 'dropped', reason = 'dropped by hand', decided_at = ?"
            " WHERE id = ? AND state IN ('owed', 'set_aside')",
            *(stamp(now), message_id),
        )
        return cursor.rowcount == 1

    def _decide(self, message_id: str, fate: tuple[str, str], now: datetime) -> None:
        self._db.run(
            "UPDATE messages SET state = ?, reason = ?, decided_at = ?"
            " WHERE id = ? AND state = 'owed'",
            *(*fate, stamp(now), message_id),
        )

    # -- looking -------------------------------------------------------------

    def sent_to(self, recipient: str, now: datetime) -> list[datetime]:
        """When messages that trigger mails were first tried to one recipient, last 24 hours."""
        found = self._db.rows(
            "SELECT attempted_at FROM messages WHERE recipient = ? AND attempted_at > ?"
            " AND backfill = 0 AND state IN ('owed', 'accepted')",
            recipient,
            stamp(now - timedelta(days=1)),
        )
        return [unstamp(row["attempted_at"]) for row in found]

    def last_to(self, recipient: str, kind: str, but: str) -> datetime | None:
        """When one recipient last got a message of *kind*, other than the message *but*."""
        text = self._db.value(
            "SELECT max(attempted_at) FROM messages WHERE recipient = ? AND kind = ? AND id <> ?"
            " AND state IN ('owed', 'accepted')",
            *(recipient, kind, but),
        )
        return unstamp(text) if text else None

    def waits_for(self, recipient: str, but: str) -> bool:
        """Whether an earlier attempted message to this recipient is still owed."""
        return bool(
            self._db.value(
                "SELECT 1 FROM messages WHERE recipient = ? AND state = 'owed' AND attempts > 0"
                " AND id <> ? LIMIT 1",
                recipient,
                but,
            )
        )

    def of_shipment(self, shipment_id: int) -> list[sqlite3.Row]:
        """Every message about a parcel, or about an order it belongs to."""
        return self._db.rows(
            "SELECT * FROM messages WHERE shipment_id = ? OR order_id IN"
            " (SELECT order_id FROM shipment_orders WHERE shipment_id = ?)"
            " ORDER BY created_at, occurred_at, id",
            shipment_id,
            shipment_id,
        )

    def waiting(self, order_id: int, kind: str) -> list[Message]:
        """Owed, never attempted messages of one kind about an order."""
        found = self._db.rows(
            "SELECT * FROM messages WHERE order_id = ? AND kind = ? AND state = 'owed'"
            " AND attempts = 0",
            order_id,
            kind,
        )
        return list(map(rows.message, found))

    def count(self, shipment_id: int, kind: str) -> int:
        """How many messages of a kind a parcel ever had."""
        return int(
            self._db.value(
                "SELECT count(*) FROM messages WHERE shipment_id = ? AND kind = ?",
                shipment_id,
                kind,
            )
        )

    def get(self, message_id: str) -> sqlite3.Row | None:
        """One message."""
        return self._db.row("SELECT * FROM messages WHERE id = ?", message_id)

    def listed(self, states: Sequence[str], limit: int) -> list[sqlite3.Row]:
        """Messages in the given states, newest decision first."""
        # The states are written out, so that SQLite sees which partial index holds them.
        each = (f"SELECT * FROM messages WHERE state = '{s}'" for s in _STATES if s in states)  # noqa: S608
        return self._db.rows(
            f"{' UNION ALL '.join(each)} ORDER BY decided_at DESC, occurred_at DESC LIMIT ?", limit
        )
