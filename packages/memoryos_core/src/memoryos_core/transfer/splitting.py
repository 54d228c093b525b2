"""Lines out of a stream of bytes, each with its number and none longer than allowed."""

from collections.abc import AsyncIterable, AsyncIterator


async def split_lines(chunks: AsyncIterable[bytes], *, max_bytes: int) -> AsyncIterator[tuple[int, bytes | None]]:
    """Yield (number, line) of each line that is not blank, counted from 1, without its end.

    A line of more than `max_bytes` is yielded as None, and read no further than to its end: at most that much and one
    chunk is held. The last line need not be ended.
    """
    number, held, is_cut = 1, bytearray(), False
    async for chunk in chunks:
        pieces = chunk.split(b"\n")
        for place, piece in enumerate(pieces):
            if place:  # a line break stood before this piece
                if is_cut or held.strip():
                    yield number, None if is_cut else bytes(held)
                number, held, is_cut = number + 1, bytearray(), False
            if len(held) + len(piece) > max_bytes:
                held, is_cut = bytearray(), True
            elif not is_cut:
                held += piece
    if is_cut or held.strip():
        yield number, None if is_cut else bytes(held)
