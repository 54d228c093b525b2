"""Adapters of the memory index port."""
