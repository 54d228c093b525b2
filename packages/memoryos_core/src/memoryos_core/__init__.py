"""The policy of MemoryOS: chat with memory, recall, ranking, the event pipeline."""
