"""Embeddings by model name, for clients: a provider's, or those of the embedder that memory itself uses."""
