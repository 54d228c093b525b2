"""Where a request may go: tiers by length, what must stay local, each deployment once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_adapters.testing import ScriptedLlm
from memoryos_core.routing.plan import Plan, Provider, Route, Tier
from memoryos_core.routing.router import ModelRouter
from memoryos_ports.errors import InvalidInput, LocalModelRequired, MemoryOSError, ModelNotFound
from tests.unit.core.routing.scenery import make_provider, make_route, make_tier

HOME, CLOUD, CLOUD_2 = make_provider("home", local=True), make_provider("cloud"), make_provider("cloud2")
DIRECT = Tier(name="direct", routes=(make_route("memoryos", tier="direct", direct=True),))


def make_plan(*tiers: Tier) -> Plan:
    """Return what ``auto`` stands for."""
    return Plan(name="auto", tiers=tiers)


def way(plan: Plan, *, tokens: int = 10, sensitive: bool = False) -> list[str]:
    """Return the routes of a prompt, as words."""
    return [str(route) for route in plan.routes(prompt_tokens=tokens, sensitive=sensitive)]


def test_the_first_tier_that_admits_wins_and_later_ones_are_its_fallbacks() -> None:
    plan = make_plan(make_tier("local", HOME, max_prompt_tokens=100), make_tier("cloud", CLOUD, CLOUD_2))
    assert way(plan, tokens=100) == ["local/home/m", "cloud/cloud/m", "cloud/cloud2/m"]
    assert way(plan, tokens=101) == ["cloud/cloud/m", "cloud/cloud2/m"]


LENGTHS = {
    0: ["one/cloud/small", "two/cloud/middle", "three/cloud/large"],
    500: ["one/cloud/small", "two/cloud/middle", "three/cloud/large"],
    501: ["two/cloud/middle", "three/cloud/large"],
    2000: ["two/cloud/middle", "three/cloud/large"],
    2001: ["three/cloud/large"],
    10**9: ["three/cloud/large"],
}


@pytest.mark.parametrize(("tokens", "expected"), LENGTHS.items())
def test_the_predecessors_tiers_by_length(tokens: int, expected: list[str]) -> None:
    """Its three slots were chosen by length alone: up to 500, up to 2000, beyond."""
    plan = make_plan(
        make_tier("one", CLOUD, model="small", max_prompt_tokens=500),
        make_tier("two", CLOUD, model="middle", max_prompt_tokens=2000),
        make_tier("three", CLOUD, model="large"),
    )
    assert plan.measures
    assert way(plan, tokens=tokens) == expected


def test_a_limit_of_a_later_tier_counts_for_it_alone() -> None:
    plan = make_plan(
        make_tier("wide", HOME), make_tier("narrow", CLOUD, max_prompt_tokens=5), make_tier("last", CLOUD_2)
    )
    assert way(plan) == ["wide/home/m", "last/cloud2/m"]


def test_too_long_for_every_tier_is_told() -> None:
    plan = make_plan(make_tier("a", HOME, max_prompt_tokens=5), make_tier("b", CLOUD, max_prompt_tokens=7))
    with pytest.raises(InvalidInput) as caught:
        plan.routes(prompt_tokens=8, sensitive=False)
    assert (caught.value.param, caught.value.code) == ("messages", "context_length_exceeded")
    assert "about 8 tokens" in caught.value.message


def test_a_deployment_stands_in_a_way_once_in_its_first_place() -> None:
    plan = make_plan(make_tier("a", CLOUD, HOME), make_tier("b", HOME, CLOUD), make_tier("c", CLOUD, model="other"))
    assert way(plan) == ["a/cloud/m", "a/home/m", "c/cloud/other"]


def test_what_is_sensitive_goes_to_local_models_in_whatever_tier_they_are() -> None:
    plan = make_plan(make_tier("a", CLOUD, HOME), make_tier("local", CLOUD_2))
    assert way(plan, sensitive=True) == ["a/home/m"], "a tier's name makes no model local"


def test_sensitive_content_without_a_local_model_fails_closed() -> None:
    plan = make_plan(make_tier("local", CLOUD), make_tier("cloud", CLOUD_2))
    for ask in (plan.require_local, lambda: plan.routes(prompt_tokens=1, sensitive=True)):
        with pytest.raises(LocalModelRequired) as caught:
            ask()
        assert caught.value.model == "auto"


def test_sensitive_content_too_long_for_the_local_tier_fails_closed() -> None:
    plan = make_plan(make_tier("local", HOME, max_prompt_tokens=5), make_tier("cloud", CLOUD))
    plan.require_local()
    with pytest.raises(LocalModelRequired):
        plan.routes(prompt_tokens=6, sensitive=True)


def test_direct_answers_stay_in_the_house() -> None:
    plan = make_plan(DIRECT, make_tier("cloud", CLOUD))
    plan.require_local()
    assert way(plan, sensitive=True) == ["direct/memoryos/m"]


REFUSALS: list[tuple[tuple[Tier, ...], int, bool, type[MemoryOSError] | None]] = [
    ((DIRECT, make_tier("cloud", CLOUD)), 1, False, None),
    ((DIRECT, make_tier("cloud", CLOUD)), 1, True, LocalModelRequired),
    ((DIRECT, make_tier("cloud", CLOUD, HOME)), 1, True, None),
    ((DIRECT, make_tier("cloud", CLOUD, max_prompt_tokens=5)), 6, False, InvalidInput),
    ((DIRECT, make_tier("local", HOME, max_prompt_tokens=5), make_tier("cloud", CLOUD)), 6, True, LocalModelRequired),
    ((DIRECT,), 1, True, None),
]


@pytest.mark.parametrize(("tiers", "tokens", "sensitive", "refusal"), REFUSALS)
def test_a_direct_tier_hides_no_refusal(
    tiers: tuple[Tier, ...], tokens: int, sensitive: bool, refusal: type[MemoryOSError] | None
) -> None:
    """Where the FAQ has no answer, a client hears why no model was asked, not that ``auto`` does not exist."""
    plan = make_plan(*tiers)
    assert way(plan, tokens=tokens, sensitive=sensitive)[0] == "direct/memoryos/m"
    told = plan.refusal(prompt_tokens=tokens, sensitive=sensitive)
    assert (None if told is None else type(told)) is refusal


def test_lengths_are_measured_only_where_they_matter() -> None:
    assert not make_plan(make_tier("a", HOME), make_tier("b", CLOUD)).measures
    assert make_plan(make_tier("a", HOME), make_tier("b", CLOUD, max_prompt_tokens=1)).measures


def test_auto_and_its_aliases_stand_for_the_tiers() -> None:
    tiers = (make_tier("a", HOME), make_tier("b", CLOUD))
    router = ModelRouter([HOME, CLOUD], default="home", tiers=tiers, aliases={"best": "auto", "one": "cloud/m"})
    assert [router.plan(name) for name in ("auto", "best")] == [
        Plan(name=name, tiers=tiers) for name in ("auto", "best")
    ]
    assert way(router.plan("one")) == ["default/cloud/m"]
    assert router.owner("auto") == "home"
    assert router.names() == ["best", "one", "auto"]


def test_a_key_is_allowed_tiers_by_their_own_name_only() -> None:
    router = ModelRouter([HOME, CLOUD], default="home", tiers=(make_tier("b", CLOUD),), aliases={"best": "auto"})
    assert router.known_as("auto") == ("auto",)
    assert router.known_as("best") == ("best",)
    assert router.known_as("m") == ("m", "home/m")


def test_an_explicit_model_has_no_fallback() -> None:
    router = ModelRouter([HOME, CLOUD], default="home", tiers=(make_tier("a", HOME), make_tier("b", CLOUD)))
    assert way(router.plan("cloud/x")) == ["default/cloud/x"]
    with pytest.raises(LocalModelRequired):
        router.plan("cloud/x").require_local()
    router.plan("home/x").require_local()


def test_a_name_that_nobody_serves_has_no_plan() -> None:
    router = ModelRouter([Provider(adapter=ScriptedLlm([], name="a"), models=("x",))], tiers=(make_tier("a", HOME),))
    with pytest.raises(ModelNotFound):
        router.plan("y")


TIERS = st.lists(
    st.builds(
        Tier,
        name=st.sampled_from("abc"),
        routes=st.lists(
            st.builds(
                Route, tier=st.just("t"), provider=st.sampled_from([HOME, CLOUD, CLOUD_2]), model=st.sampled_from("mn")
            ),
            min_size=1,
            max_size=3,
        ).map(tuple),
        max_prompt_tokens=st.none() | st.integers(1, 20),
    ),
    min_size=1,
    max_size=4,
)


@given(tiers=TIERS, tokens=st.integers(0, 25), sensitive=st.booleans())
def test_no_way_leads_out_of_the_house_or_twice_to_a_place(tiers: list[Tier], tokens: int, sensitive: bool) -> None:
    try:
        routes = make_plan(*tiers).routes(prompt_tokens=tokens, sensitive=sensitive)
    except (InvalidInput, LocalModelRequired):
        return
    assert routes
    assert len({route.deployment for route in routes}) == len(routes)
    assert not sensitive or all(route.provider.local for route in routes)
    assert all(
        any(route in tier.routes and tokens <= (tier.max_prompt_tokens or tokens) for tier in tiers) for route in routes
    )
