"""Locks that keep those apart who change what belongs to a scope."""
