"""What a key may use: patterns of model names."""

import hashlib

import pytest
from litestar.testing import RequestFactory

from memoryos_adapters.settings import AuthKeySettings
from memoryos_gateway.auth import Authenticator, Principal
from memoryos_ports.ids import DEFAULT_TENANT


def _principal(*models: str) -> Principal:
    return Principal(tenant_id=DEFAULT_TENANT, models=models)


@pytest.mark.parametrize(
    ("models", "names", "allowed"),
    [
        ((), ("anything", "at/all"), True),
        (("m-1",), ("m-1",), True),
        (("m-1",), ("m-10",), False),
        (("m-1",), ("M-1",), False),
        (("m-1",), ("fast", "fake/m-1"), False),
        (("fake/m-1",), ("fast", "fake/m-1"), True),
        (("fast",), ("fast", "fake/m-1"), True),
        (("fake/*",), ("m-1", "fake/m-1"), True),
        (("fake/*",), ("fake",), False),
        (("m-*",), ("m-",), True),
        (("x", "m-*"), ("m-1",), True),
        (("*",), ("anything",), True),
        (("m-*x",), ("m-1x",), False),
        (("m-*x",), ("m-*x",), True),
        (("m-1",), (), False),
    ],
)
def test_any_name_may_fit_any_pattern(models: tuple[str, ...], names: tuple[str, ...], allowed: bool) -> None:
    assert _principal(*models).may_use(*names) is allowed


def test_a_key_brings_its_models() -> None:
    key = AuthKeySettings(tenant="acme", key_sha256=hashlib.sha256(b"sk-1").hexdigest(), models=("fake/*",))
    scope = RequestFactory().get(headers={"authorization": "Bearer sk-1"}).scope

    assert Authenticator([key]).authenticate(scope).models == ("fake/*",)
