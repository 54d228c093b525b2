"""Outgoing HTTP leaves by the configured way: through the proxy, past it, trusting whom it should, never redirected."""

import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from memoryos_adapters.http import Http, open_http, translated, way_out
from memoryos_adapters.llm.openai.adapter import OpenAiCompatibleLlm
from memoryos_adapters.settings import HttpSettings, LlmProviderSettings, Secret
from memoryos_ports.errors import ConfigurationError, MemoryOSError, UpstreamProtocolError, UpstreamUnavailable
from tests.contract.llm.requests import make_request, stream_of, text_of
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply
from tests.unit.adapters.certificates import TestAuthority
from tests.unit.adapters.little_servers import answering, http_answer, proxying

KEY = "sk-a-key-that-must-not-leak"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    """A provider in OpenAI's dialect."""
    async with FakeUpstream() as upstream:
        yield upstream


def llm_at(base_url: str, http: Http) -> OpenAiCompatibleLlm:
    """Return an adapter with a key."""
    return OpenAiCompatibleLlm(
        "provider", LlmProviderSettings(kind="openai", base_url=base_url, api_key=Secret(KEY)), http
    )


def port_of(upstream: FakeUpstream) -> int:
    """Return where a provider listens."""
    port = URL(upstream.root_url).port
    assert port is not None
    return port


def context_of(http: Http) -> ssl.SSLContext:
    """Return what decides whom the session trusts."""
    connector = http.session.connector
    assert isinstance(connector, aiohttp.TCPConnector)
    assert isinstance(connector._ssl, ssl.SSLContext)
    return connector._ssl


async def fetch(http: Http, url: str) -> str:
    """Return what is at a URL."""
    with translated(upstream="server"):
        async with http.session.get(URL(url), **http.way_to(URL(url))) as response:
            return await response.text()


@pytest.mark.parametrize(
    ("url", "no_proxy", "proxied"),
    [
        ("https://api.example.com/v1", (), True),
        ("https://api.example.com/v1", ("example.com",), False),
        ("https://api.example.com/v1", (".example.com",), False),
        ("https://api.example.com/v1", ("example.org", "10.0.0.1"), True),
        ("http://10.0.0.1/v1", ("10.0.0.1",), False),
        ("http://10.0.0.1/v1", (), True),
        ("http://localhost:11434", (), False),
        ("http://LocalHost:11434", (), False),
        ("http://127.0.0.1:11434", (), False),
        ("http://[::1]:11434", (), False),
        ("http://localhost.example.com", (), True),
    ],
)
def test_the_way_out_is_the_proxy_but_for_loopback_and_what_is_named(
    url: str, no_proxy: tuple[str, ...], proxied: bool
) -> None:
    settings = HttpSettings(proxy="http://proxy.internal:3128", no_proxy=no_proxy)

    assert way_out(settings, URL(url)) == ({"proxy": URL("http://proxy.internal:3128")} if proxied else {})


def test_without_a_proxy_everything_goes_directly() -> None:
    assert way_out(HttpSettings(), URL("https://api.example.com")) == {}


def test_the_proxys_credentials_are_not_part_of_its_url() -> None:
    settings = HttpSettings(proxy="http://us%40er@proxy.internal:3128", proxy_password=Secret("pa:ss"))

    way = way_out(settings, URL("https://api.example.com"))

    assert way["proxy"] == URL("http://proxy.internal:3128")
    assert way["proxy_headers"] == {"authorization": "Basic " + base64.b64encode(b"us@er:pa:ss").decode()}


async def test_a_call_goes_through_the_proxy_with_the_proxys_credentials(upstream: FakeUpstream) -> None:
    async with proxying(port_of(upstream)) as proxy:
        settings = HttpSettings(proxy=f"http://ada@127.0.0.1:{proxy.port}", proxy_password=Secret("secret"))
        async with open_http(settings) as http:
            answer = await llm_at("http://llm.example/v1", http).chat(make_request())

    (asked,) = proxy.asked
    assert (asked.method, asked.target) == ("POST", "http://llm.example/v1/chat/completions")
    assert asked.headers["proxy-authorization"] == "Basic " + base64.b64encode(b"ada:secret").decode()
    assert answer.choices[0].message.content == "Hello!"


async def test_a_stream_goes_through_the_proxy(upstream: FakeUpstream) -> None:
    async with proxying(port_of(upstream)) as proxy, open_http(HttpSettings(proxy=proxy.url)) as http:
        chunks = await stream_of(llm_at("http://llm.example/v1", http), make_request())

    assert text_of(chunks) == "Hello!"
    assert "proxy-authorization" not in proxy.asked[0].headers


async def test_loopback_and_no_proxy_go_past_the_proxy(upstream: FakeUpstream) -> None:
    async with proxying(1) as proxy:
        settings = HttpSettings(proxy=proxy.url, no_proxy=("direct.invalid",))
        async with open_http(settings) as http:
            await llm_at(upstream.base_url, http).chat(make_request())
            with pytest.raises(UpstreamUnavailable):  # no such host, and nobody else was asked for it
                await llm_at("http://direct.invalid/v1", http).chat(make_request())

    assert proxy.asked == []
    assert len(upstream.requests) == 1


async def test_a_provider_is_reached_through_the_proxy(upstream: FakeUpstream) -> None:
    async with proxying(port_of(upstream)) as proxy, open_http(HttpSettings(proxy=proxy.url)) as http:
        await llm_at("http://llm.example/v1", http).reach()

    assert [asked.target for asked in proxy.asked] == ["http://llm.example/v1/models"]


async def test_tls_goes_through_a_tunnel_and_keeps_both_secrets_apart(tmp_path: Path) -> None:
    authority = TestAuthority(tmp_path)
    context = authority.server_context("llm.example")
    async with answering(lambda _: http_answer(b"{}"), context=context) as provider, proxying(provider.port) as proxy:
        settings = HttpSettings(
            proxy=f"http://ada@127.0.0.1:{proxy.port}", proxy_password=Secret("secret"), ca_file=str(authority.ca_file)
        )
        async with open_http(settings) as http:
            await llm_at("https://llm.example/v1", http).reach()

    (tunnel,), (call,) = proxy.asked, provider.asked
    assert (tunnel.method, tunnel.target) == ("CONNECT", "llm.example:443")
    assert "proxy-authorization" in tunnel.headers
    assert "authorization" not in tunnel.headers
    assert (call.method, call.target, call.headers["authorization"]) == ("GET", "/v1/models", f"Bearer {KEY}")
    assert "proxy-authorization" not in call.headers


@pytest.mark.parametrize("status", [403, 407, 502])
async def test_a_proxy_that_makes_no_tunnel_means_that_the_provider_is_unavailable(status: int) -> None:
    async with proxying(1, refusal=status) as proxy, open_http(HttpSettings(proxy=proxy.url)) as http:
        with pytest.raises(UpstreamUnavailable) as caught:
            await llm_at("https://llm.example/v1", http).chat(make_request())

    assert "127.0.0.1" not in str(caught.value)


async def test_a_proxy_that_is_not_there_means_that_the_provider_is_unavailable() -> None:
    async with open_http(HttpSettings(proxy="http://127.0.0.1:1")) as http:
        for base_url in ("http://llm.example/v1", "https://llm.example/v1"):
            with pytest.raises(UpstreamUnavailable):
                await llm_at(base_url, http).chat(make_request())


async def test_the_authorities_of_the_configuration_are_trusted(tmp_path: Path) -> None:
    authority = TestAuthority(tmp_path)
    context = authority.server_context("localhost")
    async with answering(lambda _: http_answer(b"hello"), context=context) as server:
        async with open_http(HttpSettings(ca_file=str(authority.ca_file))) as http:
            assert await fetch(http, f"https://localhost:{server.port}/") == "hello"
        async with open_http() as http:
            with pytest.raises(UpstreamUnavailable):
                await fetch(http, f"https://localhost:{server.port}/")

    assert len(server.asked) == 1


async def test_a_trusted_authority_does_not_vouch_for_another_name(tmp_path: Path) -> None:
    authority = TestAuthority(tmp_path)
    context = authority.server_context("other.example")
    async with (
        answering(lambda _: http_answer(b"hello"), context=context) as server,
        open_http(HttpSettings(ca_file=str(authority.ca_file))) as http,
    ):
        with pytest.raises(UpstreamUnavailable):
            await fetch(http, f"https://localhost:{server.port}/")


async def test_the_systems_authorities_stay_trusted(tmp_path: Path) -> None:
    authority = TestAuthority(tmp_path)

    async with open_http(HttpSettings(ca_file=str(authority.ca_file))) as http:
        trusted = context_of(http).get_ca_certs(binary_form=True)

    system = ssl.create_default_context().get_ca_certs(binary_form=True)
    assert len(trusted) == len(system) + 1
    assert set(system) < set(trusted)


@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_authorities_that_cannot_be_read_are_a_fault_of_the_configuration(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigurationError) as caught:
        async with open_http(HttpSettings(ca_file=str(path))):
            pytest.fail("it was opened")

    (fault,) = caught.value.faults
    assert fault.startswith("http.ca_file: ")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_redirect_is_never_followed_with_credentials(
    upstream: FakeUpstream, status: int, streamed: bool
) -> None:
    async with FakeUpstream() as elsewhere, open_http() as http:
        upstream.always = Reply.json({}, status=status, headers={"location": f"{elsewhere.base_url}/chat/completions"})
        llm = llm_at(upstream.base_url, http)

        with pytest.raises(UpstreamProtocolError):
            await (stream_of(llm, make_request()) if streamed else llm.chat(make_request()))

        assert elsewhere.requests == []
        assert len(upstream.requests) == 1


async def test_reaching_a_provider_does_not_follow_a_redirect_either(upstream: FakeUpstream) -> None:
    async with FakeUpstream() as elsewhere, open_http() as http:
        upstream.always = Reply.json({}, status=307, headers={"location": elsewhere.root_url})

        await llm_at(upstream.base_url, http).reach()

        assert elsewhere.requests == []


async def test_proxies_of_the_environment_are_not_obeyed(
    monkeypatch: pytest.MonkeyPatch, upstream: FakeUpstream
) -> None:
    async with proxying(port_of(upstream)) as proxy, open_http() as http:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)

        with pytest.raises(MemoryOSError):
            await llm_at("http://llm.invalid/v1", http).chat(make_request())

    assert proxy.asked == []
