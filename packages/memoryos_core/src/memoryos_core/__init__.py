"""The policy of MemoryOS: chat with memory, recall and ranking, and the pipeline that applies events."""
