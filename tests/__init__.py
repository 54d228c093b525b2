"""The tests of the workspace: by level, then by package or port."""
