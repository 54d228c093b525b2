"""A whole answer of the OpenAI dialect."""

import msgspec
from msgspec.structs import replace

from memoryos_adapters.llm.openai.overlay import overlay_answer
from memoryos_adapters.llm.openai.quirks import Mender
from memoryos_adapters.llm.openai.thoughts import ThoughtsName
from memoryos_adapters.llm.openai.wire import WireAnswer, WireChoice
from memoryos_adapters.llm.refusals import ErrorTable
from memoryos_adapters.llm.wire import decode_wire
from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.llm import AnswerMessage, ChatAnswer, Choice

_DECODER = msgspec.json.Decoder(WireAnswer)


def read_answer(body: bytes, *, model: str, errors: ErrorTable, thoughts: ThoughtsName | None = None) -> ChatAnswer:
    """Decode the body of a 200; it is kept as `wire`, byte for byte when nothing had to be mended.

    What it calls its thoughts is noted in `thoughts`.

    Raises the error that the body holds, if it holds one (OpenRouter does so under a 200), and UpstreamProtocolError
    for what is no answer: broken JSON, no choice, a choice without a message or an end.
    """
    wire = decode_wire(_DECODER, body, upstream=errors.upstream)
    if wire.error or wire.object == "error":
        raise errors.error_inside(body, model=model)
    if not wire.choices:
        raise UpstreamProtocolError(upstream=errors.upstream, detail="an answer without a choice")
    mender = Mender(upstream=errors.upstream, thoughts=thoughts)
    choices = tuple(_choice(place, choice, mender) for place, choice in enumerate(wire.choices))
    answer_id, created, native_model = mender.head(wire, object_name="chat.completion", model=model)
    usage = mender.usage(wire.usage)
    answer = ChatAnswer(
        id=answer_id,
        created=created,
        model=native_model,
        choices=choices,
        usage=usage,
        system_fingerprint=wire.system_fingerprint,
        service_tier=wire.service_tier,
        wire=body,
    )
    return replace(answer, wire=overlay_answer(body, answer)) if mender.mended else answer


def _choice(place: int, wire: WireChoice, mender: Mender) -> Choice:
    message = wire.message
    finish_reason = mender.finish_reason(wire.finish_reason)
    if message is None or finish_reason is None:
        raise UpstreamProtocolError(upstream=mender.upstream, detail="a choice without a message or a finish_reason")
    mender.mended |= wire.index is None or message.role != "assistant"
    tool_calls = mender.tool_calls(message.tool_calls) if message.tool_calls else ()
    content = mender.content(message)
    if tool_calls and content == "":
        mender.mended, content = True, None
    return Choice(
        index=place if wire.index is None else wire.index,
        message=AnswerMessage(
            content=content, refusal=message.refusal, reasoning=mender.reasoning(message), tool_calls=tool_calls
        ),
        finish_reason=finish_reason,
        native_finish_reason=mender.native_reason(wire, finish_reason),
    )
