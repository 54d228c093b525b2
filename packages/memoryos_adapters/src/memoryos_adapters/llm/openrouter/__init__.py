"""OpenRouter: OpenAI's dialect in front of many providers."""
