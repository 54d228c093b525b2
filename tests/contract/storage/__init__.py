"""The contract of the memory index: one suite, run by every adapter."""
