"""OpenAI's chat completions and embeddings, and every server that speaks them."""
