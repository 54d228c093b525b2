"""Sets of scopes that have something to consolidate: SQLite, noop."""
