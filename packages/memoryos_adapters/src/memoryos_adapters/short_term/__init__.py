"""Stores of the newest turns: SQLite, noop."""
