"""Azure OpenAI: OpenAI's dialect under Azure's addresses, credentials and versions."""
