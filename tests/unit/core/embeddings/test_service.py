"""Embeddings by model name: who makes them, what must stay local, retries, and what they cost."""

import asyncio
from typing import Any

import msgspec
import pytest

from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_adapters.testing import ScriptedLlm
from memoryos_core.embeddings.local import LocalEmbeddings
from memoryos_core.embeddings.service import EmbeddingsCall, EmbeddingsService
from memoryos_core.routing.dispatch import RetryPolicy
from memoryos_core.routing.plan import Provider
from memoryos_core.routing.router import ModelRouter
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.routing.usage import Booking, UsageBook
from memoryos_ports.errors import (
    InvalidInput,
    LocalModelRequired,
    MemoryOSError,
    ModelNotFound,
    RateLimited,
    UpstreamUnavailable,
)
from memoryos_ports.ids import TenantId
from memoryos_ports.llm import Usage
from memoryos_ports.llm_embeddings import EmbeddingsAnswer, EmbeddingsRequest, Tokens
from tests.support.routing import make_dispatcher

ACME = TenantId("acme")
QUICK = RetryPolicy(max_tries=3, backoff_s=0.001)
RULES = SensitiveRules(["Project Tulip", r"/^price \d+$/"])


class ScriptedEmbeddings(ScriptedLlm):
    """A provider whose embeddings fail as the errors say, and then come; None hangs."""

    def __init__(self, name: str, *errors: MemoryOSError | None, usage: Usage | None = None) -> None:
        super().__init__([], name=name)
        self._errors, self._usage = list(errors), usage
        self.asked: list[EmbeddingsRequest] = []
        self.hangs = asyncio.Event()

    async def embeddings(self, request: EmbeddingsRequest) -> EmbeddingsAnswer:
        """Return a vector for each input."""
        self.asked.append(request)
        if self._errors:
            error = self._errors.pop(0)
            if error is not None:
                raise error
            self.hangs.set()
            await asyncio.Event().wait()
        return EmbeddingsAnswer(model=request.model, vectors=tuple([1.0] for _ in request.input), usage=self._usage)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A service over one cloud provider, one local one, one without embeddings, and the embedder of memory."""

    service: EmbeddingsService
    cloud: ScriptedEmbeddings
    home: ScriptedEmbeddings
    bookings: list[Booking]


def make_stage(*errors: MemoryOSError | None, usage: Usage | None = None) -> Stage:
    """Return a stage whose cloud provider fails as the errors say."""
    cloud, home = ScriptedEmbeddings("cloud", *errors, usage=usage), ScriptedEmbeddings("home")
    providers = [
        Provider(adapter=cloud),
        Provider(adapter=home, local=True),
        Provider(adapter=ScriptedLlm([], name="chatty")),
    ]
    bookings: list[Booking] = []
    service = EmbeddingsService(
        router=ModelRouter(providers, aliases={"small": "cloud/e-small"}),
        dispatcher=make_dispatcher(QUICK),
        local=Provider(adapter=LocalEmbeddings(HashedEmbedder(dimensions=8)), models=("hashed",), local=True),
        rules=RULES,
        usage=UsageBook(note=bookings.append),
    )
    return Stage(service=service, cloud=cloud, home=home, bookings=bookings)


def make_call(model: str, *input_: str, **fields: Any) -> EmbeddingsCall:
    """Return a call for these texts."""
    return EmbeddingsCall(tenant_id=ACME, request=EmbeddingsRequest(model=model, input=input_ or ("tea",), **fields))


def make_token_call(model: str, *input_: Tokens) -> EmbeddingsCall:
    """Return a call for these lists of tokens."""
    return EmbeddingsCall(tenant_id=ACME, request=EmbeddingsRequest(model=model, input=input_))


MODELS = {
    "small": "default/cloud/e-small",
    "cloud/e-large": "default/cloud/e-large",
    "e-any": "default/cloud/e-any",
    "home/e": "default/home/e",
    "memoryos/hashed": "default/memoryos/hashed",
}


@pytest.mark.parametrize(("model", "route"), MODELS.items())
async def test_a_model_is_asked_by_its_own_name(model: str, route: str) -> None:
    done = await make_stage().service.embed(make_call(model))
    assert (str(done.route), done.answer.model) == (route, route.rpartition("/")[2])


async def test_everything_else_of_the_request_is_passed_on() -> None:
    stage, params = make_stage(), {"input_type": msgspec.Raw(b'"query"')}
    await stage.service.embed(make_call("small", "tea", "coffee", dimensions=4, params=params))
    expected = EmbeddingsRequest(model="e-small", input=("tea", "coffee"), dimensions=4, params=params)
    assert stage.cloud.asked == [expected]


@pytest.mark.parametrize("model", ["nobody/e", "memoryos/other", "memoryos/"])
async def test_the_embedder_of_memory_has_one_model(model: str) -> None:
    strict = Provider(adapter=ScriptedEmbeddings("strict"), models=("e",))
    service = EmbeddingsService(
        router=ModelRouter([strict]),
        dispatcher=make_dispatcher(),
        local=Provider(adapter=LocalEmbeddings(HashedEmbedder()), models=("hashed",), local=True),
    )
    with pytest.raises(ModelNotFound):
        await service.embed(make_call(model))
    assert service.names() == ["memoryos/hashed"]


@pytest.mark.parametrize("model", ["memoryos/other", "memoryos/"])
async def test_what_is_ours_is_never_asked_of_a_provider(model: str) -> None:
    """Not even of one that serves any name."""
    stage = make_stage()
    with pytest.raises(ModelNotFound) as caught:
        await stage.service.embed(make_call(model))
    assert (caught.value.identifier, stage.cloud.asked) == (model, [])


async def test_a_provider_without_embeddings_says_so() -> None:
    with pytest.raises(InvalidInput) as caught:
        await make_stage().service.embed(make_call("chatty/m"))
    assert (caught.value.param, caught.value.code) == ("model", "unsupported_value")


# --- retries


async def test_what_is_retryable_is_retried_within_the_budget() -> None:
    stage = make_stage(UpstreamUnavailable(upstream="cloud"), RateLimited(upstream="cloud", retry_after_s=0))
    done = await stage.service.embed(make_call("small"))
    assert (done.tries, len(stage.cloud.asked)) == (3, 3)


async def test_the_last_failure_comes_out_and_nothing_is_booked() -> None:
    stage = make_stage(*[UpstreamUnavailable(upstream="cloud")] * 9)
    with pytest.raises(UpstreamUnavailable) as caught:
        await stage.service.embed(make_call("small"))
    assert (caught.value.tries, len(stage.cloud.asked), stage.bookings) == (3, 3, [])


async def test_other_vectors_are_never_taken_for_those_of_a_model() -> None:
    """There is no fallback: vectors of two models cannot be compared."""
    stage = make_stage(ModelNotFound("e-small"))
    with pytest.raises(ModelNotFound) as caught:
        await stage.service.embed(make_call("small"))
    assert (caught.value.identifier, stage.home.asked) == ("small", [])


# --- what must stay local

SECRETS: list[EmbeddingsCall] = [
    make_call("small", "about project  tulip"),
    make_call("small", "tea", "\uff30roject tulip"),
    make_call("small", "Project", "Tulip"),
    make_call("small", "Project Tu", "lip"),
    make_call("small", "tea", "\uff30RICE 5"),
    make_call("small", params={"title": msgspec.Raw(b'"Project Tulip"')}),
    make_call("small", params={"Project Tulip": msgspec.Raw(b"1")}),
]


@pytest.mark.parametrize("call", SECRETS)
async def test_sensitive_texts_reach_no_cloud_model(call: EmbeddingsCall) -> None:
    stage = make_stage()
    with pytest.raises(LocalModelRequired) as caught:
        await stage.service.embed(call)
    assert (caught.value.model, stage.cloud.asked, stage.bookings) == ("small", [], [])


@pytest.mark.parametrize("model", ["home/e", "memoryos/hashed"])
async def test_sensitive_texts_reach_local_models(model: str) -> None:
    assert len((await make_stage().service.embed(make_call(model, "Project Tulip"))).answer.vectors) == 1


async def test_tokens_that_nobody_can_read_reach_no_cloud_model_where_there_are_rules() -> None:
    stage = make_stage()
    with pytest.raises(InvalidInput) as caught:
        await stage.service.embed(make_token_call("small", (1, 2)))
    assert (caught.value.param, caught.value.code, stage.cloud.asked) == ("input", "unsupported_value", [])
    await stage.service.embed(make_token_call("home/e", (1, 2)))
    assert stage.home.asked[0].input == ((1, 2),)


async def test_without_rules_tokens_are_passed_on() -> None:
    cloud = ScriptedEmbeddings("cloud")
    local = Provider(adapter=LocalEmbeddings(HashedEmbedder()), models=("hashed",), local=True)
    router = ModelRouter([Provider(adapter=cloud)])
    service = EmbeddingsService(router=router, dispatcher=make_dispatcher(), local=local)
    await service.embed(make_token_call("cloud/e", (1, 2), (3,)))
    assert cloud.asked[0].input == ((1, 2), (3,))


# --- what it costs


async def test_what_a_provider_reports_is_booked_once() -> None:
    usage = Usage(prompt_tokens=9, completion_tokens=0)
    stage = make_stage(UpstreamUnavailable(upstream="cloud"), usage=usage)
    await stage.service.embed(make_call("small"))
    (booking,) = stage.bookings
    assert (booking.tenant_id, booking.route.deployment, booking.usage) == (ACME, "cloud/e-small", usage)
    assert (booking.outcome, booking.tries) == ("complete", 2)


async def test_what_nobody_reports_is_estimated() -> None:
    stage = make_stage()
    await stage.service.embed(make_call("small", "12345", "机密"))
    await stage.service.embed(make_token_call("home/e", (1, 2, 3), (4,)))
    assert [booking.usage for booking in stage.bookings] == [
        Usage(prompt_tokens=4, completion_tokens=0, estimated=True)
    ] * 2


async def test_a_client_that_leaves_pays_for_what_was_read() -> None:
    stage = make_stage(UpstreamUnavailable(upstream="cloud"), None)
    asking = asyncio.create_task(stage.service.embed(make_call("small", "12345678")))
    async with asyncio.timeout(5):
        await stage.cloud.hangs.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    (booking,) = stage.bookings
    assert booking.usage == Usage(prompt_tokens=2, completion_tokens=0, estimated=True)
    assert (booking.outcome, booking.tries) == ("cancelled", 2)
