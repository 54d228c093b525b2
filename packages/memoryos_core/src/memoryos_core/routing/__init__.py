"""Which model answers: names, tiers, what must stay local, retries, fallbacks, breakers, and what it cost."""
