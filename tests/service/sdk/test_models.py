"""The models that OpenAI's own SDK sees: what a key may use, by names with slashes too."""

import openai
import pytest
from openai import AsyncOpenAI

from tests.service.sdk.conftest import ALIASES, NARROW_KEY
from tests.service.sdk.providers import KINDS

pytestmark = pytest.mark.asyncio(loop_scope="package")

BARE = KINDS["oa"].models
LISTED = [*ALIASES, "auto", *BARE, *(f"oa/{model}" for model in BARE), "memoryos/hashed"]


async def test_every_known_model_is_listed(sdk: AsyncOpenAI) -> None:
    """M1."""
    page = await sdk.models.list()
    assert (page.object, [model.id for model in page.data]) == ("list", LISTED)
    assert {model.object for model in page.data} == {"model"}
    assert all(isinstance(model.created, int) and model.owned_by for model in page.data)
    assert [model.id async for model in sdk.models.list()] == LISTED


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("gpt-4o", "oa"),
        ("fast", "oa"),
        ("team/claude", "an"),
        ("memoryos/hashed", "memoryos"),
        ("or/anthropic/claude-sonnet-4.5", "or"),
        ("ol/qwen3:8b", "ol"),
    ],
)
async def test_a_model_is_found_by_its_name(sdk: AsyncOpenAI, name: str, owner: str) -> None:
    """M1: the SDK encodes the slashes."""
    model = await sdk.models.retrieve(name)
    assert (model.id, model.object, model.owned_by) == (name, "model", owner)


@pytest.mark.parametrize("name", ["nobody/x", "gpt-9", "memoryos/other", "oa/gpt-9"])
async def test_a_model_that_nobody_serves_is_not_found(sdk: AsyncOpenAI, name: str) -> None:
    """M1, E4."""
    with pytest.raises(openai.NotFoundError) as caught:
        await sdk.models.retrieve(name)
    assert caught.value.code == "model_not_found"


async def test_a_key_sees_what_it_may_use(sdk: AsyncOpenAI) -> None:
    """M1, E4."""
    client = sdk.with_options(api_key=NARROW_KEY)
    assert [model.id async for model in client.models.list()] == ["fast"]
    assert (await client.models.retrieve("ge/gemini-3-flash")).owned_by == "ge"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("gpt-4o")
