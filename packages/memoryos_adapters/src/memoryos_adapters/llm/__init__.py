"""The LLM providers: a folder or a module for each, and beside them what all of their wires have in common."""
