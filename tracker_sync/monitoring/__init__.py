"""Telling a monitor how the passes go: a heartbeat, and metrics in a file.

Floor 2. Neither ever harms a pass: what fails here is logged. No address, number or name of
anybody is in either, and the heartbeat's own address, which is a secret, is in no log.
"""
