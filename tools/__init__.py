"""Checks and helpers behind the targets of the Makefile; none of it is part of a package."""
