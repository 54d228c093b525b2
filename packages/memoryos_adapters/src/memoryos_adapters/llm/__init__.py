"""The LLM providers: one module per adapter, and what their wires have in common."""
