"""Cautious rules per language: few facts rather than wrong ones."""
