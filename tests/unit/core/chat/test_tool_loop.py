"""Tool loops: several requests for one user turn, whose words are remembered once and whose block stays."""

from memoryos_adapters.testing import ScriptedLlm, ScriptedTurn, calls, says
from memoryos_core.chat.stream import ChatStream
from memoryos_ports.llm import Message, ToolCall
from tests.support.makers import ANA, make_call, said, tool_request, tool_result
from tests.support.memory_stack import MemoryStack

LOOK = ToolCall(id="call_1", name="look", arguments="{}")


async def test_the_block_of_a_tool_loop_is_used_again_byte_for_byte(stack: MemoryStack) -> None:
    llm = ScriptedLlm([says("noted"), calls(LOOK), says("sunny")])
    service = stack.chat(llm)
    await service.complete(make_call("I live in Porto", session="s1"))
    await service.complete(make_call("weather where I live", session="s2"))
    await stack.ingest_text("I live in Lisbon now")
    await service.complete(make_call("weather where I live", tool_request(), tool_result(), session="s2"))
    assert llm.requests[1].messages[0] == llm.requests[2].messages[0]
    assert "Porto" in str(llm.requests[1].messages[0])


async def test_an_excerpt_in_the_block_of_a_tool_loop_is_used_again_byte_for_byte(stack: MemoryStack) -> None:
    filler = "and so the story went on " * 200
    await stack.ingest_text(f"{filler} I keep my umbrella in Porto. {filler}")
    llm = ScriptedLlm([calls(LOOK), calls(LOOK), says("sunny")])
    service = stack.chat(llm)
    question = "where is my umbrella"
    await service.complete(make_call(question, session="s2"))
    loop = (tool_request(), tool_result())
    await service.complete(make_call(question, *loop, session="s2"))
    await service.complete(make_call(question, *loop, *loop, session="s2"))
    first, second, third = (request.messages[0] for request in llm.requests)
    assert first == second == third
    assert "umbrella in Porto" in str(first)
    assert str(first).count("\u2026") == 2


async def test_what_is_deleted_during_a_tool_loop_is_not_sent_again(stack: MemoryStack) -> None:
    llm = ScriptedLlm([says("noted"), calls(LOOK), says("sunny")])
    service = stack.chat(llm)
    await service.complete(make_call("I live in Porto", session="s1"))
    await service.complete(make_call("weather where I live", session="s2"))
    await stack.settle()
    (porto,) = (page for page in await stack.pages() if "Porto" in page.text)
    await stack.library.delete(ANA, porto.id)
    await service.complete(make_call("weather where I live", tool_request(), tool_result(), session="s2"))
    assert "Porto" in str(llm.requests[1].messages[0])
    assert "Porto" not in str(llm.requests[2].messages[0])


async def test_nothing_recalled_for_a_tool_loop_stays_nothing(stack: MemoryStack) -> None:
    llm = ScriptedLlm([calls(LOOK), says("sunny")])
    service = stack.chat(llm)
    await service.complete(make_call("weather where I live"))
    await stack.ingest_text("I live in Lisbon now")
    await service.complete(make_call("weather where I live", tool_request(), tool_result()))
    assert llm.requests[0].messages[0] == llm.requests[1].messages[0]


async def test_a_regenerated_tool_loop_has_its_own_block(stack: MemoryStack) -> None:
    llm = ScriptedLlm([calls(LOOK), says("sunny"), calls(LOOK), says("rainy")])
    service = stack.chat(llm)
    loop = ("weather where I live", tool_request(), tool_result())
    await service.complete(make_call(loop[0]))
    await service.complete(make_call(*loop))
    await stack.ingest_text("I live in Lisbon now")
    await service.complete(make_call(loop[0]))
    await service.complete(make_call(*loop))
    assert "Lisbon" in str(llm.requests[2].messages[0])
    assert llm.requests[3].messages[0] == llm.requests[2].messages[0]


async def test_nothing_in_a_tool_loop_is_remembered_twice(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([calls(LOOK), calls(LOOK), says("sunny"), says("bye")]))
    loop: list[str | Message] = ["weather?", tool_request(), tool_result(), tool_request("hm"), tool_result("rain")]
    for length in (1, 3, 5):
        await service.complete(make_call(*loop[:length]))
    await service.complete(make_call(*loop, said("sunny"), "thanks"))
    assert await stack.turns() == [
        ("user", "weather?"),
        ("assistant", "sunny"),
        ("user", "thanks"),
        ("assistant", "bye"),
    ]


async def test_what_was_said_on_the_way_is_not_superseded_by_the_answer(stack: MemoryStack) -> None:
    looking = ScriptedTurn(pieces=("let me look",), tool_calls=(LOOK,), finish_reason="tool_calls")
    service = stack.chat(ScriptedLlm([looking, says("sunny"), says("rainy")]))
    loop = ("weather?", tool_request("let me look"), tool_result())
    await service.complete(make_call(loop[0]))
    await service.complete(make_call(*loop))
    first, second = await stack.take()
    assert [m.content for m in first.messages] == ["weather?", "let me look"]
    assert second.supersedes == ()
    await service.complete(make_call(*loop))
    (third,) = await stack.take()
    assert third.supersedes == second.memory_ids, "the final answer again: that one is regenerated"


async def test_a_step_without_words_names_the_event_of_the_users_words(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([calls(LOOK), calls(LOOK)]))
    _, first = await service.complete(make_call("weather?"))
    _, second = await service.complete(make_call("weather?", tool_request(), tool_result()))
    (event,) = await stack.take()
    assert (first.event_id, second.event_id) == (event.event_id, event.event_id)


async def test_the_tool_loop_of_a_client_without_history_is_part_of_its_turn(stack: MemoryStack) -> None:
    llm = ScriptedLlm([says("hello"), calls(LOOK), says("sunny"), says("bye")])
    service = stack.chat(llm)
    await service.complete(make_call("hi", session="s1"))
    await service.complete(make_call("weather?", session="s1"))
    await service.complete(make_call("weather?", tool_request(), tool_result(), session="s1"))
    await service.complete(make_call("thanks", session="s1"))
    assert llm.requests[1].messages[0] == llm.requests[2].messages[0]
    assert [text for _, text in await stack.turns()] == ["hi", "hello", "weather?", "sunny", "thanks", "bye"]


async def test_a_streamed_answer_opens_a_tool_loop_as_well(stack: MemoryStack) -> None:
    llm = ScriptedLlm([calls(LOOK), says("sunny")])
    service = stack.chat(llm)
    await read(await service.stream(make_call("weather where I live")))
    await stack.ingest_text("I live in Lisbon now")
    await read(await service.stream(make_call("weather where I live", tool_request(), tool_result())))
    assert llm.requests[0].messages[0] == llm.requests[1].messages[0]


async def read(stream: ChatStream) -> None:
    """Read a stream to its end."""
    async for _ in stream.batches():
        pass
