"""A provider whose answer tells the question, so that no two answers are the same."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.completion import Completion, Speech
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

ANSWER = "I heard: "


class EchoReply(Reply, frozen=True, kw_only=True):
    """Says the last user message of the request after `ANSWER`."""

    def prepared(self, speech: Speech, *, path: str, request: Any) -> Reply:
        """Return the reply to this request."""
        asked = next(m["content"] for m in reversed(request["messages"]) if m["role"] == "user")
        text = asked if isinstance(asked, str) else asked[0]["text"]
        return Reply(completion=Completion(pieces=(ANSWER, text))).prepared(speech, path=path, request=request)


@asynccontextmanager
async def echoing() -> AsyncIterator[str]:
    """Serve the provider; yields the address that an OpenAI client takes."""
    async with FakeUpstream() as upstream:
        upstream.always = EchoReply()
        yield upstream.base_url
