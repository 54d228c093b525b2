"""The runner that applies accepted events, with its retries and its border between leaving and burying."""
