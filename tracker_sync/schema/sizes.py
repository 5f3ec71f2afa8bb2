"""What shows that a source suddenly gives less than it used to."""

TABLES = """
CREATE TABLE sizes (          -- how many rows each bundle of a source had, for some weeks
    id     INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    at     TEXT NOT NULL,
    rows   INTEGER NOT NULL
) STRICT;
CREATE INDEX sizes_source ON sizes (source, at);
"""
