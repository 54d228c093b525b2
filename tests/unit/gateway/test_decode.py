"""Decoding a chat: the bound of a conversation."""

import msgspec
import pytest

from memoryos_gateway.openai.decode import MAX_MESSAGES, decode_chat
from memoryos_ports.errors import InvalidInput


def _body(messages: int) -> bytes:
    return msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "hi"}] * messages})


def test_a_long_conversation_is_taken_up_to_its_bound() -> None:
    assert len(decode_chat(_body(MAX_MESSAGES)).messages) == MAX_MESSAGES
    with pytest.raises(InvalidInput) as caught:
        decode_chat(_body(MAX_MESSAGES + 1))
    assert caught.value.param == "messages"
