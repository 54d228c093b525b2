"""The OpenAI-compatible gateway of MemoryOS: Litestar app and the command memoryos-gateway."""
