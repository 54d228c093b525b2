"""Structured output for DeepSeek, which knows JSON and no schemas: the schema is said in words.

``json_schema`` is refused with a 400 ("This response_format type is unavailable now"), by its newest models too, and
``json_object`` wants the word JSON in the prompt (DeepSeek's API documentation, JSON output).
"""

import msgspec
from msgspec.structs import replace

from memoryos_adapters.llm.chat_params import ChatParams, ResponseFormat
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ChatRequest, Message

_ANY_JSON = msgspec.Raw(b'{"type":"json_object"}')
_WORDS = "Answer with one JSON object that is valid under this JSON schema, and with nothing else:\n"
_INSTRUCTIONS = ("system", "developer")


def with_schema_in_words(request: ChatRequest) -> ChatRequest:
    """Return a request whose schema, if it has one, stands in a system message after those at its beginning.

    Raises InvalidInput for a format without a schema.
    """
    wanted = ChatParams({"response_format": request.params.get("response_format", msgspec.Raw(b"null"))})
    asked = wanted.take("response_format", ResponseFormat)
    if asked is None or asked.type != "json_schema":
        return request
    param = "response_format.json_schema.schema"
    if asked.json_schema is None or asked.json_schema.schema is None:
        raise InvalidInput(f"{param} is missing", param=param)
    words = Message(role="system", content=_WORDS + msgspec.json.encode(asked.json_schema.schema).decode())
    place = next((n for n, m in enumerate(request.messages) if m.role not in _INSTRUCTIONS), len(request.messages))
    return replace(
        request,
        messages=(*request.messages[:place], words, *request.messages[place:]),
        params={**request.params, "response_format": _ANY_JSON},
    )
