"""HTTP around a chat: methods, paths, request ids, and headers that SDKs send and nobody needs."""

import pytest
from openai import AsyncOpenAI

from tests.service.chat.person import CHAT, Person
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply
from tests.support.wire import send

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize("path", [CHAT, "/chat/completions", "/v1/chat/completions/", "/chat/completions/"])
async def test_a_chat_is_served_on_every_path_that_clients_use(person: Person, path: str) -> None:
    assert (await person.chat("Hi", path=path)).status == 200


@pytest.mark.parametrize("path", [CHAT, "/chat/completions"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE"])
async def test_another_method_is_405_and_told_the_right_one(person: Person, method: str, path: str) -> None:
    answer = await send(person.http, method, person.url + path)
    assert answer.status == 405
    assert answer.headers["allow"] == "OPTIONS, POST"
    assert answer.headers["x-request-id"]
    assert answer.error["code"] == "method_not_allowed"


async def test_head_is_405_without_a_body_and_the_connection_stays_usable(person: Person) -> None:
    answer = await send(person.http, "HEAD", person.url + CHAT)
    assert (answer.status, answer.body, answer.headers["allow"]) == (405, b"", "OPTIONS, POST")
    assert (await person.chat("Hi")).status == 200


@pytest.mark.parametrize("path", [CHAT, "/chat/completions", "/v1/chat/completions/"])
async def test_options_says_what_a_chat_takes(person: Person, path: str) -> None:
    answer = await send(person.http, "OPTIONS", person.url + path)
    assert (answer.status, answer.body, answer.headers["allow"]) == (204, b"", "OPTIONS, POST")
    assert (await person.chat("Hi")).status == 200


@pytest.mark.parametrize("path", ["/v1/completions", "/v2/chat/completions", "/v1/chat", "/v1/chat/completions/x"])
async def test_an_unknown_path_is_404_in_the_same_shape(person: Person, path: str) -> None:
    answer = await person.chat("Hi", path=path)
    assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("given", ["abc-123", "req_A.b:c", "a" * 128])
async def test_a_request_id_of_the_caller_is_kept(person: Person, given: str) -> None:
    assert (await person.chat("Hi", headers={"x-request-id": given})).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "has space", "a" * 129, "ü", "<b>"])
async def test_a_request_id_that_could_do_harm_is_replaced(person: Person, given: str) -> None:
    made = (await person.chat("Hi", headers={"x-request-id": given})).headers["x-request-id"]
    assert made != given
    assert made.startswith("req_")


async def test_every_request_has_an_id_of_its_own(person: Person, sdk: AsyncOpenAI) -> None:
    made = {(await person.chat("Hi")).headers["x-request-id"] for _ in range(3)}
    completion = await sdk.chat.completions.create(model="m-1", messages=[{"role": "user", "content": "Hi"}])
    assert len(made | {completion._request_id}) == 4


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"content-encoding": "gzip"}, 415),
        ({"content-type": "text/plain"}, 400),
    ],
)
async def test_every_refusal_has_a_request_id(person: Person, headers: dict[str, str], status: int) -> None:
    answer = await person.chat("Hi", headers=headers)
    assert answer.status == status
    assert answer.headers["x-request-id"]
    assert answer.error["type"] == "invalid_request_error"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_fault_of_ours_is_a_500_that_tells_nothing(
    person: Person, upstream: FakeUpstream, stream: bool
) -> None:
    answer = await person.chat("Hi", model="broken/x", stream=stream)
    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    assert answer.headers["x-request-id"]
    assert b"a bug" not in answer.body


async def test_a_fault_of_ours_inside_a_stream_ends_it_with_an_error(person: Person) -> None:
    answer = await person.chat("Hi", model="brittle/x", stream=True)
    assert answer.status == 200
    assert answer.chunks[-1]["error"]["code"] == "internal_error"
    assert answer.events[-1] == "data: [DONE]"
    assert b"a bug" not in answer.body


async def test_headers_of_sdks_are_ignored(person: Person) -> None:
    headers = {
        "openai-organization": "org-1",
        "openai-project": "proj-1",
        "x-stainless-lang": "python",
        "x-stainless-retry-count": "2",
        "x-stainless-read-timeout": "600",
        "openai-beta": "x",
        "authorization": "Bearer whatever",
    }
    assert (await person.chat("Hi", headers=headers)).status == 200


async def test_a_whole_answer_is_passed_on_as_the_provider_sent_it(person: Person, upstream: FakeUpstream) -> None:
    body = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m-1",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "é", "annotations": []}, "finish_reason": "length"}
        ],
        "system_fingerprint": "fp",
        "x_unknown": [1],
    }
    upstream.next(Reply.json(body))
    answer = await person.chat("Hi")
    assert answer.headers["content-type"] == "application/json"
    usage = answer.json["usage"]  # the provider did not count
    assert {name: value for name, value in answer.json.items() if name != "usage"} == body
    assert usage["estimated"] is True
