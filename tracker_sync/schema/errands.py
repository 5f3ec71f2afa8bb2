"""Glances, feeds and registrations; announcements that wait for their brand."""

TABLES = """
-- What `carrier` said at a glance while nothing new had happened; blank: no glances.
ALTER TABLE shipments ADD COLUMN mark TEXT NOT NULL DEFAULT '';
-- Changes of the whole account are known up to here; NULL: no feed.
ALTER TABLE carriers ADD COLUMN feed_at TEXT;
-- Registrations left, and when that was told; NULL: never.
ALTER TABLE carriers ADD COLUMN quota_left INTEGER;
ALTER TABLE carriers ADD COLUMN quota_at TEXT;

-- The earliest day promised, and since when the forecast lies more than a day after it.
ALTER TABLE shipments ADD COLUMN estimate_first TEXT;
ALTER TABLE shipments ADD COLUMN estimate_slipped_at TEXT;

CREATE TABLE waiting (        -- announced without a courier, and the number fits no single brand
    source TEXT NOT NULL,
    number TEXT NOT NULL,
    advice TEXT NOT NULL,     -- JSON: the announcement as it came
    rivals TEXT NOT NULL,     -- brands the number fits alike, separated by blanks
    tried  TEXT NOT NULL,     -- the configured brands when it was last tried
    since  TEXT NOT NULL,
    PRIMARY KEY (source, number)
) STRICT, WITHOUT ROWID;
"""
