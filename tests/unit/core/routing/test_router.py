"""Which provider and model answer for a name."""

import pytest

from memoryos_adapters.testing import ScriptedLlm
from memoryos_core.routing.plan import Provider
from memoryos_core.routing.router import ModelRouter
from memoryos_ports.errors import ConfigurationError, ModelNotFound


def make_provider(name: str, *models: str, offline: bool = False) -> Provider:
    """Return a provider that nobody asks anything."""
    return Provider(adapter=ScriptedLlm([], name=name), models=models, offline=offline)


ALIASES = {"fast": "openai/gpt-mini", "plain": "big", "auto-ish": "auto", "broken": "nobody/nothing", "big": "small"}

ROUTES = {
    "fast": "default/openai/gpt-mini",
    "plain": "default/main/big",
    "auto-ish": "default/main/big",
    "big": "default/main/small",
    "main/big": "default/main/big",
    "openai/anything": "default/openai/anything",
    "openai/org/model:v1": "default/openai/org/model:v1",
    "small": "default/main/small",
    "vendor/model": "default/main/vendor/model",
    "auto": "default/main/big",
}


@pytest.mark.parametrize(("name", "route"), ROUTES.items())
def test_a_name_is_an_alias_then_prefixed_then_bare(name: str, route: str) -> None:
    assert str(make_router().resolve(name)) == route


@pytest.mark.parametrize(
    "name", ["", "/", "main/", "main/other", "other", "broken", "Fast", "openai", "memoryos/faq", "memoryos/big"]
)
def test_a_name_that_nobody_serves_is_not_found(name: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        make_router().resolve(name)
    assert caught.value.identifier == name


def test_a_provider_that_does_not_serve_a_model_leaves_it_to_no_other() -> None:
    """Not even to a default provider that serves any name: the client has said whom it wants."""
    router = ModelRouter([make_provider("any"), make_provider("strict", "m")])
    assert str(router.resolve("strict/m")) == "default/strict/m"
    with pytest.raises(ModelNotFound) as caught:
        router.resolve("strict/other")
    assert caught.value.identifier == "strict/other"


def test_a_name_that_the_default_provider_lists_is_its_own() -> None:
    """As the models of a reseller begin with the names of others."""
    providers = [make_provider("reseller", "openai/gpt", "openai/mini"), make_provider("openai", "mini")]
    routes = [str(ModelRouter(providers).resolve(name)) for name in ("openai/gpt", "openai/mini")]
    assert routes == ["default/reseller/openai/gpt", "default/reseller/openai/mini"]


@pytest.mark.parametrize("name", ["memoryos/hashed", "memoryos/faq", "memoryos/gpt"])
def test_what_is_ours_is_never_asked_of_a_provider(name: str) -> None:
    router = ModelRouter([make_provider("any")], aliases={"ours": name})
    for asked in (name, "ours"):
        with pytest.raises(ModelNotFound) as caught:
            router.plan(asked)
        assert caught.value.identifier == asked


def test_auto_is_unknown_where_no_model_is_named() -> None:
    with pytest.raises(ModelNotFound):
        ModelRouter([make_provider("openai")]).resolve("auto")


@pytest.mark.parametrize("name", ["gpt-9", "auto", "vendor/model", "memoryos/x"])
def test_the_offline_fallback_serves_every_name(name: str) -> None:
    route = ModelRouter([make_provider("noop", offline=True)]).resolve(name)
    assert (str(route), route.provider.offline) == (f"default/noop/{name}", True)


def test_the_default_provider_is_the_first_unless_named() -> None:
    providers = [make_provider("a"), make_provider("b")]
    assert ModelRouter(providers).owner("m") == "a"
    assert ModelRouter(providers, default="b").owner("m") == "b"


@pytest.mark.parametrize(("providers", "default"), [([], None), ([make_provider("a")], "b")])
def test_a_default_that_does_not_exist_is_a_fault(providers: list[Provider], default: str | None) -> None:
    with pytest.raises(ConfigurationError):
        ModelRouter(providers, default=default)


def test_names_lists_what_may_be_used_once_each() -> None:
    assert make_router().names() == [
        *ALIASES,
        "auto",
        "small",
        "vendor/model",
        "main/big",
        "main/small",
        "main/vendor/model",
    ]
    assert ModelRouter([make_provider("openai")]).names() == []
    assert ModelRouter([make_provider("noop", offline=True)]).names() == ["auto"]


def make_router() -> ModelRouter:
    """Return a router over a default provider with some models and one with any."""
    return ModelRouter(
        [make_provider("openai"), make_provider("main", "big", "small", "vendor/model")],
        default="main",
        aliases=ALIASES,
    )
