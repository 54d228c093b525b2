"""The worker process of MemoryOS: consumes events beside the gateway; the command memoryos-worker."""
