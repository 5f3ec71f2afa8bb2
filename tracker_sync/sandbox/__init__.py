"""Pretend carriers and a pretend Klaviyo on loopback: for `tracker-sync demo` and the tests."""
