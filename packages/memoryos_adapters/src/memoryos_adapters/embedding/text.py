"""Texts as models can read them."""


def readable(text: str, *, max_characters: int) -> str:
    """Return the beginning of a text, with ``?`` for each lone surrogate: that is no UTF-8, and nobody takes it."""
    return text[:max_characters].encode(errors="replace").decode()
