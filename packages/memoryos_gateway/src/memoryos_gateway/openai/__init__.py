"""The OpenAI wire: its structs, and their conversion to and from the domain."""
