"""What the planner remembers of parcels and accounts."""

TABLES = """
-- Everything before was learned from; NULL: nothing yet.
ALTER TABLE shipments ADD COLUMN learned_until TEXT;
-- Open parcels this carrier may be asked about, and when they were counted; NULL: never.
ALTER TABLE carriers ADD COLUMN parcels INTEGER;
ALTER TABLE carriers ADD COLUMN parcels_at TEXT;
"""
