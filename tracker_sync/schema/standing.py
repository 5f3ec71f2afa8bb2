"""What shows that something stands still, or runs away."""

TABLES = """
-- Since when this carrier is asked and gives no good answer; NULL: its last answer was good.
ALTER TABLE carriers ADD COLUMN silent_since TEXT;

CREATE TABLE silences (       -- how long a carrier kept us waiting, the longest of each day
    carrier TEXT NOT NULL,
    day     TEXT NOT NULL,    -- in UTC, on which it answered again
    seconds INTEGER NOT NULL,
    PRIMARY KEY (carrier, day)
) STRICT, WITHOUT ROWID;

-- When a person let it go although unusually many went with it; NULL: nobody had to.
ALTER TABLE messages ADD COLUMN released_at TEXT;
CREATE INDEX messages_gone ON messages (kind, created_at, attempts, backfill)
    WHERE attempts > 0 AND backfill = 0;

CREATE TABLE tallies (        -- what all passes together did; only ever grows
    what  TEXT PRIMARY KEY,
    total INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
