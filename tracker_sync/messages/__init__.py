"""From transitions to messages: what is owed, what it says, and whether it may still go.

Floor 1. Pure: standard library only.
"""
