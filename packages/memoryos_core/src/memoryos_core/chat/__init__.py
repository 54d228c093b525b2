"""A chat with memory: what is new in it, what is recalled for it, who answers, what is remembered of it."""
