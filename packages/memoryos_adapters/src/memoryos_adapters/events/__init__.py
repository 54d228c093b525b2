"""Logs that hold accepted events until they are applied: SQLite, noop."""
