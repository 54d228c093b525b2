"""Stores of small versioned documents: SQLite, noop."""
