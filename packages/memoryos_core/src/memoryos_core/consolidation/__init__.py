"""Consolidation: pages become segments, segments that are hot become facts and a profile; what is old is forgotten."""
