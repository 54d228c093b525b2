"""Everything of MemoryOS that touches the outside: LLM providers, embedders, stores, settings, wiring."""
