"""Carrier tracking in, Klaviyo events out: only what changed, exactly once."""

__version__ = "0.1.0"
