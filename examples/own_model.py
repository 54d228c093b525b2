"""The core without a gateway: a language model of your own behind MemoryOS's router and chat service."""

import asyncio
from collections.abc import AsyncGenerator

from memoryos_core.caller import Caller
from memoryos_core.chat.attempt import ChatCall
from memoryos_core.chat.service import ChatService
from memoryos_core.routing.plan import Provider
from memoryos_core.routing.router import ModelRouter
from memoryos_ports.llm import AnswerMessage, ChatAnswer, ChatChunk, ChatRequest, Choice, ChoiceDelta, Message


class EchoLlm:
    """An `LlmAdapter` that says what it heard."""

    name = "echo"

    async def reach(self) -> None:
        """Nothing to reach."""

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Return the last message's text."""
        message = AnswerMessage(content=f"You said: {request.messages[-1].content}")
        choice = Choice(index=0, message=message, finish_reason="stop")
        return ChatAnswer(id="echo-1", created=0, model=request.model, choices=(choice,))

    async def chat_stream(self, request: ChatRequest) -> AsyncGenerator[list[ChatChunk], None]:
        """Yield the same in one chunk."""
        answer = await self.chat(request)
        delta = ChoiceDelta(index=0, content=answer.choices[0].message.content, finish_reason="stop")
        yield [ChatChunk(id=answer.id, created=0, model=answer.model, deltas=(delta,))]


async def main() -> None:
    """Ask a question, and show the answer and the way it took."""
    service = ChatService(router=ModelRouter([Provider(adapter=EchoLlm())]))
    call = ChatCall(model="any", messages=(Message(role="user", content="hello"),), caller=Caller(scope=None))
    answer, report = await service.complete(call)
    print(answer.choices[0].message.content, f"({report.route})")  # noqa: T201 - an example shows what it does


if __name__ == "__main__":
    asyncio.run(main())
