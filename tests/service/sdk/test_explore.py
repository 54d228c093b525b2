"""x."""

import asyncio
import json
import pytest
from tests.support.replies import Reply
from tests.service.sdk.conftest import PLACES, KEY

pytestmark = [
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
HI = [{"role": "user", "content": "Hi"}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": n,
            "description": "x",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
    for n in ("get_weather", "get_time")
]


async def test_lite(litellm, gateway, upstreams, there):
    kw = dict(model=f"openai/{there.model}", api_base=gateway.base_url, api_key=KEY, timeout=10)
    a = await litellm.acompletion(messages=HI, **kw)
    print(there.name, type(a), a)
    print(there.upstream.requests[-1].headers, there.upstream.requests[-1].json)
    there.upstream.next(Reply.thinking("hmm", "4", "2"))
    s = await litellm.acompletion(messages=HI, stream=True, stream_options={"include_usage": True}, **kw)
    async for c in s:
        print(c)
    there.upstream.next(Reply.tools(("call_1", "get_weather", '{"city":"Paris"}'), ("call_2", "get_time", "{}")))
    a = await litellm.acompletion(messages=HI, tools=TOOLS, **kw)
    print(a)
    there.upstream.always = Reply.error(500)
    try:
        await litellm.acompletion(messages=HI, tools=TOOLS, max_retries=0, **kw)
    except Exception as e:
        print(type(e).__mro__, e)


async def test_emb(litellm, gateway, upstreams):
    kw = dict(api_base=gateway.base_url, api_key=KEY, timeout=10)
    e = await litellm.aembedding(model="openai/text-embedding-3-small", input=["a", "b"], **kw)
    print(e, upstreams["oa"].requests[-1].json)
    e = await litellm.aembedding(model="openai/memoryos/hashed", input=["a"], **kw)
    print(len(e.data[0]["embedding"]))


async def test_lc(gateway, upstreams, there):
    from langchain_openai import ChatOpenAI

    m = ChatOpenAI(model=there.model, base_url=gateway.base_url, api_key=KEY, max_retries=0)
    a = await m.ainvoke("Hi")
    print(there.name, repr(a))
    print(there.upstream.requests[-1].json)
    there.upstream.next(Reply.thinking("hmm", "4", "2"))
    async for c in m.astream("Hi", stream_usage=True):
        print(repr(c))
    from pydantic import BaseModel

    class City(BaseModel):
        name: str
        people: int

    for method in ("json_schema", "function_calling"):
        there.upstream.next(
            Reply.text('{"name": "Paris", "people": 2}')
            if method == "json_schema"
            else Reply.tools(("call_1", "City", '{"name": "Paris", "people": 2}'))
        )
        print(await m.with_structured_output(City, method=method).ainvoke("Where?"))
        print(json.dumps(there.upstream.requests[-1].json))


async def test_lce(gateway, upstreams, offline_tokens):
    from langchain_openai import OpenAIEmbeddings

    for check in (True, False):
        e = OpenAIEmbeddings(
            model="text-embedding-3-small", base_url=gateway.base_url, api_key=KEY, check_embedding_ctx_length=check
        )
        print(check, await e.aembed_documents(["one", "two"]), upstreams["oa"].requests[-1].json)
