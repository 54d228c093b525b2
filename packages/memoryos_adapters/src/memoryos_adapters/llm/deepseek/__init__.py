"""DeepSeek: OpenAI's dialect, with thoughts that go back and forth."""
