"""The tables as they began."""

TABLES = """
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,   -- shop: the shop's id; salt: key of every hash in this file
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE activations (    -- what happened before is taken in silently
    what  TEXT NOT NULL,      -- "source" or "carrier"
    name  TEXT NOT NULL,      -- the source's name, the carrier's key
    brand TEXT NOT NULL,      -- blank for a source
    at    TEXT NOT NULL,
    PRIMARY KEY (what, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE shipments (
    id            INTEGER PRIMARY KEY,
    brand         TEXT NOT NULL,
    number        TEXT NOT NULL,             -- the one the carrier is asked about
    first_number  TEXT NOT NULL,             -- the one message ids are made of
    leg           INTEGER NOT NULL,          -- from 2 on: the number was used again
    direction     TEXT NOT NULL,             -- outbound, return
    requested     INTEGER NOT NULL,          -- return labels: 0 = enclosed, dormant until scanned
    source        TEXT NOT NULL,             -- which source gave it first
    taken_at      TEXT NOT NULL,
    active_from   TEXT NOT NULL,             -- activation of that source
    shipped_at    TEXT,                      -- NULL: the source does not say
    status        TEXT,                      -- NULL: the carrier does not know it yet
    status_at     TEXT,
    detail        TEXT,
    problems      TEXT NOT NULL DEFAULT '',  -- open ones, separated by blanks
    turned        INTEGER NOT NULL DEFAULT 0,
    first_scan_at TEXT,
    last_scan_at  TEXT,
    delivered_at  TEXT,                      -- NULL also after a delivery was taken back
    estimate_day  TEXT,
    estimate_from TEXT,
    estimate_to   TEXT,
    pickup        TEXT,                      -- JSON: type, name, address, until
    service       TEXT NOT NULL DEFAULT '',
    reroute_url   TEXT NOT NULL DEFAULT '',
    email         TEXT NOT NULL DEFAULT '',
    phone         TEXT NOT NULL DEFAULT '',
    external_id   TEXT NOT NULL DEFAULT '',
    consent       INTEGER,                   -- NULL: the feed does not say
    language      TEXT NOT NULL DEFAULT '',
    country       TEXT NOT NULL DEFAULT '',  -- destination
    order_url     TEXT NOT NULL DEFAULT '',
    items         TEXT NOT NULL DEFAULT '[]',
    properties    TEXT NOT NULL DEFAULT '{}',
    carrier       TEXT NOT NULL DEFAULT '',  -- who last knew it
    unknown_to    TEXT NOT NULL DEFAULT '',  -- carriers that did not know it when last asked
    found_at      TEXT,                      -- NULL: never found
    checked_at    TEXT,                      -- last answer, "not found" included
    failures      INTEGER NOT NULL DEFAULT 0,-- calls in a row that failed
    calls_day     TEXT NOT NULL DEFAULT '',  -- the brand's calendar day that calls_made counts
    calls_made    INTEGER NOT NULL DEFAULT 0,
    next_poll_at  TEXT,                      -- NULL: not asked any more
    watch_at      TEXT,                      -- when silence alone changes something; NULL: never
    closed_at     TEXT,
    closed_reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX shipments_due ON shipments (brand, next_poll_at) WHERE next_poll_at IS NOT NULL;
CREATE INDEX shipments_watched ON shipments (watch_at) WHERE watch_at IS NOT NULL;
CREATE INDEX shipments_open ON shipments (status) WHERE closed_at IS NULL;
CREATE INDEX shipments_closed ON shipments (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX shipments_email ON shipments (email) WHERE email <> '';

CREATE TABLE numbers (        -- every number a parcel was ever known by
    brand       TEXT NOT NULL,
    number      TEXT NOT NULL,
    shipment_id INTEGER NOT NULL REFERENCES shipments ON DELETE CASCADE,
    PRIMARY KEY (brand, number, shipment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX numbers_number ON numbers (number);
CREATE INDEX numbers_shipment ON numbers (shipment_id);

CREATE TABLE orders (
    id           INTEGER PRIMARY KEY,
    reference    TEXT NOT NULL,   -- blank: the parcel came without one and is its own order
    subject      TEXT NOT NULL UNIQUE,  -- what message ids are made of
    order_id     TEXT NOT NULL DEFAULT '',
    parcel_count INTEGER,         -- NULL: the source does not say
    completed_at TEXT             -- last delivery of a complete order; NULL while incomplete
) STRICT;
CREATE UNIQUE INDEX orders_reference ON orders (reference) WHERE reference <> '';

CREATE TABLE shipment_orders (
    shipment_id INTEGER NOT NULL REFERENCES shipments ON DELETE CASCADE,
    order_id    INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE,
    PRIMARY KEY (shipment_id, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX shipment_orders_order ON shipment_orders (order_id);

CREATE TABLE scans (
    id          INTEGER PRIMARY KEY,
    shipment_id INTEGER NOT NULL REFERENCES shipments ON DELETE CASCADE,
    at          TEXT NOT NULL,
    position    INTEGER NOT NULL,   -- the carrier's own order, for equal stamps
    carrier     TEXT NOT NULL,      -- carrier key; source name; "clock"
    origin      TEXT NOT NULL,      -- carrier, source, clock
    code        TEXT NOT NULL,
    listed      INTEGER NOT NULL,   -- 0: the code is unknown, the scan changes nothing
    status      TEXT,
    problem     TEXT,
    detail      TEXT,
    revokes     INTEGER NOT NULL DEFAULT 0,
    text        TEXT NOT NULL,      -- the carrier's words; never sent to anybody
    place       TEXT NOT NULL,
    seen_at     TEXT NOT NULL,
    UNIQUE (shipment_id, carrier, at, code)
) STRICT;

CREATE TABLE transitions (
    id          INTEGER PRIMARY KEY,
    shipment_id INTEGER NOT NULL REFERENCES shipments ON DELETE CASCADE,
    word        TEXT NOT NULL,      -- a status reached or a problem opened
    attempt     TEXT NOT NULL,      -- calendar day, where it counts once per attempt
    ordinal     INTEGER NOT NULL,
    at          TEXT NOT NULL,
    detail      TEXT,
    previous    TEXT,
    recorded_at TEXT NOT NULL,
    UNIQUE (shipment_id, word, attempt)
) STRICT;

CREATE TABLE messages (
    id            TEXT PRIMARY KEY,  -- Klaviyo's unique_id
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
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_owed ON messages (due_at) WHERE state = 'owed';
CREATE INDEX messages_shipment ON messages (shipment_id);
CREATE INDEX messages_order ON messages (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX messages_transition ON messages (transition_id) WHERE transition_id IS NOT NULL;
CREATE INDEX messages_recipient ON messages (recipient, attempted_at) WHERE recipient IS NOT NULL;
CREATE INDEX messages_set_aside ON messages (decided_at) WHERE state = 'set_aside';
CREATE TABLE pauses (kind TEXT PRIMARY KEY, since TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE budgets (        -- calls reserved before they were made
    account TEXT NOT NULL,    -- carrier key, or a fingerprint of a shared account
    day     TEXT NOT NULL,    -- the carrier's own calendar day
    used    INTEGER NOT NULL,
    PRIMARY KEY (account, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE carriers (       -- how each carrier does
    carrier       TEXT PRIMARY KEY,
    answered_at   TEXT,       -- last good answer; NULL: never
    failed_at     TEXT,
    failure       TEXT NOT NULL DEFAULT '',
    throttled     INTEGER NOT NULL DEFAULT 0,  -- in a row
    blocked_until TEXT,       -- NULL: may be asked
    token         TEXT,
    token_until   TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE taken (          -- bundles of a source that need not be read again
    source      TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    name        TEXT NOT NULL,
    at          TEXT NOT NULL,
    PRIMARY KEY (source, fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE passes (
    id         INTEGER PRIMARY KEY,
    started_at TEXT NOT NULL,
    ended_at   TEXT,          -- NULL: running, or it died
    exit_code  INTEGER,
    counts     TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE TABLE findings (       -- what needs a person; reported once, then shown by status
    key         TEXT PRIMARY KEY,
    text        TEXT NOT NULL,
    first_at    TEXT NOT NULL,
    last_at     TEXT NOT NULL,
    resolved_at TEXT          -- NULL: still so
) STRICT, WITHOUT ROWID;

CREATE TABLE unknown_codes (
    carrier TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL, count INTEGER NOT NULL,
    first_at TEXT NOT NULL, last_at TEXT NOT NULL,
    PRIMARY KEY (carrier, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE learned (
    carrier TEXT NOT NULL, cell TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (carrier, cell)
) STRICT, WITHOUT ROWID;
CREATE TABLE erased (hash TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE purged (hash TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE VIEW open_shipments AS
    SELECT id, brand, number, direction, status, status_at, problems, estimate_day, last_scan_at,
           next_poll_at, carrier, failures
    FROM shipments WHERE closed_at IS NULL;
CREATE VIEW outbox AS
    SELECT due_at, kind, reason, attempts, shipment_id, order_id, occurred_at, id
    FROM messages WHERE state = 'owed';
CREATE VIEW transit_times AS
    SELECT brand, service, country, number, first_scan_at, delivered_at,
           round(julianday(delivered_at) - julianday(first_scan_at), 2) AS days
    FROM shipments WHERE delivered_at IS NOT NULL AND first_scan_at IS NOT NULL;
"""
