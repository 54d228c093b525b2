"""Everything held of a user as lines of JSON, out and in again."""
