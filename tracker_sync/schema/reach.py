"""The same tables for a shop with a million parcels: messages lie closer, and more is indexed.

A column that is the same in the whole index stands in it all the same: SQLite looks it up in the
row where the question names it and the index does not hold it.
"""

TABLES = """
-- Who is open, counted without a look at the parcels themselves.
CREATE INDEX shipments_standing ON shipments (brand, status, problems, closed_at)
    WHERE closed_at IS NULL;
DROP INDEX shipments_open;

-- What the daily retention blanks: whom to tell of closed parcels.
CREATE INDEX shipments_told ON shipments (closed_at)
    WHERE closed_at IS NOT NULL AND (email <> '' OR phone <> '' OR external_id <> '');

-- As before, but in the order they arose: sorted by id, each with its body took a page and more.
DROP VIEW outbox;
CREATE TABLE messages_in_order (
    id            TEXT PRIMARY KEY NOT NULL,  -- Klaviyo's unique_id
    kind          TEXT NOT NULL,
    ordinal       INTEGER NOT NULL,
    subject       TEXT NOT NULL,
    shipment_id   INTEGER REFERENCES shipments ON DELETE SET NULL,
    order_id      INTEGER REFERENCES orders ON DELETE SET NULL,
    transition_id INTEGER REFERENCES transitions ON DELETE SET NULL,  -- NULL: follow-ups, intake
    attempt       TEXT NOT NULL DEFAULT '',
    occurred_at   TEXT NOT NULL,     -- the event's time
    due_at        TEXT NOT NULL,     -- when it is judged next
    state         TEXT NOT NULL,     -- owed, accepted, withheld, set_aside, dropped
    reason        TEXT NOT NULL DEFAULT '',  -- the rule behind the state, or what it waits for
    recipient     TEXT,              -- keyed hash; NULL until the first attempt
    metric        TEXT,              -- NULL until the first attempt
    body          TEXT,              -- frozen at the first attempt; NULL before, and when purged
    backfill      INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    attempted_at  TEXT,              -- first attempt
    decided_at    TEXT NOT NULL,     -- last change of state
    created_at    TEXT NOT NULL
) STRICT;
INSERT INTO messages_in_order SELECT * FROM messages ORDER BY created_at, id;
DROP TABLE messages;
ALTER TABLE messages_in_order RENAME TO messages;
CREATE VIEW outbox AS
    SELECT due_at, kind, reason, attempts, shipment_id, order_id, occurred_at, id
    FROM messages WHERE state = 'owed';

CREATE INDEX messages_shipment ON messages (shipment_id);
CREATE INDEX messages_order ON messages (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX messages_transition ON messages (transition_id) WHERE transition_id IS NOT NULL;
CREATE INDEX messages_recipient ON messages (recipient, attempted_at) WHERE recipient IS NOT NULL;
CREATE INDEX messages_set_aside ON messages (decided_at, state) WHERE state = 'set_aside';

-- What the daily retention blanks: what was told.
CREATE INDEX messages_told ON messages (decided_at) WHERE body IS NOT NULL AND state <> 'owed';

-- What arrived of each metric on each day, counted without a look at the messages themselves.
CREATE INDEX messages_arrived ON messages (occurred_at, metric, decided_at, state)
    WHERE state = 'accepted';

-- What is owed, put in order and counted without a look at the messages themselves.
CREATE INDEX messages_owed ON messages
    (due_at, occurred_at, created_at, id, kind, reason, attempts, attempted_at, state)
    WHERE state = 'owed';
"""
