"""Images by URL come from the public internet, within bounds, and bring no secret out (wire contract: X4).

A real answer is fetched through a proxy on loopback: behind one it is the proxy that looks names up. What must be
refused is asked for directly, of a server that would answer.
"""

import asyncio
import base64
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from memoryos_adapters.remote_image import MAX_REDIRECTS, ImageBounds, PublicResolver, RemoteImage, RemoteImages
from memoryos_adapters.settings import HttpSettings, Secret
from memoryos_ports.errors import InvalidInput
from tests.unit.adapters.little_servers import Answer, LittleServer, answering, http_answer

PNG = b"\x89PNG\r\n\x1a\n"
PARAM = "messages[0].content[1].image_url.url"
IMAGE = http_answer(PNG, media_type="image/png")


USUAL_BOUNDS = ImageBounds()


class TableResolver(AbstractResolver):
    """Finds the addresses that `table` holds."""

    def __init__(self, table: dict[str, list[str]]) -> None:
        self.table = table

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        """Return the addresses of a host."""
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in self.table[host]
        ]

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


@asynccontextmanager
async def behind_proxy(
    answer: Answer, bounds: ImageBounds = USUAL_BOUNDS
) -> AsyncIterator[tuple[RemoteImages, LittleServer]]:
    """Open a fetcher whose proxy answers every request itself."""
    async with answering(answer) as proxy, RemoteImages(HttpSettings(proxy=proxy.url), bounds=bounds) as images:
        yield images, proxy


async def refusal_of(images: RemoteImages, url: str) -> InvalidInput:
    """Return why an image cannot be had."""
    with pytest.raises(InvalidInput) as caught:
        await images.fetch(url, param=PARAM)
    assert (caught.value.param, caught.value.code) == (PARAM, "invalid_image_url")
    return caught.value


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/gif", "image/webp", "IMAGE/PNG; x=y"])
async def test_an_image_comes_with_its_media_type_and_as_base64(media_type: str) -> None:
    async with behind_proxy(lambda _: http_answer(PNG, media_type=media_type)) as (images, _):
        image = await images.fetch("http://images.example/a.png", param=PARAM)

    expected = media_type.lower().partition(";")[0]
    assert image == RemoteImage(media_type=expected, data=base64.b64encode(PNG).decode())


async def test_an_image_is_fetched_once_however_often_it_is_shown() -> None:
    async with behind_proxy(lambda _: IMAGE) as (images, proxy):
        first = await images.fetch("http://images.example/a.png", param=PARAM)
        second = await images.fetch("http://images.example/a.png", param=PARAM)

    assert first is second
    assert len(proxy.asked) == 1


async def test_no_credentials_are_sent_but_the_proxys_own() -> None:
    async with answering(lambda _: IMAGE) as proxy:
        settings = HttpSettings(proxy=f"http://ada@127.0.0.1:{proxy.port}", proxy_password=Secret("secret"))
        async with RemoteImages(settings) as images:
            await images.fetch("http://images.example/a.png", param=PARAM)

    (asked,) = proxy.asked
    assert "authorization" not in asked.headers
    assert "cookie" not in asked.headers
    assert "proxy-authorization" in asked.headers


async def test_redirects_are_followed_a_few_times_and_without_cookies() -> None:
    def answer(target: str) -> bytes:
        hop = int(target.rpartition("/")[2])
        moved = http_answer(status=302, location=f"http://images{hop}.example/{hop + 1}")
        return IMAGE if hop == MAX_REDIRECTS else moved.replace(b"\r\n\r\n", b"\r\nset-cookie: a=b\r\n\r\n")

    async with behind_proxy(answer) as (images, proxy):
        assert await images.fetch("http://images.example/0", param=PARAM)

    assert len(proxy.asked) == MAX_REDIRECTS + 1
    assert not any("cookie" in asked.headers for asked in proxy.asked)


@pytest.mark.parametrize("location", ["http://images.example/again", "", None])
async def test_an_endless_redirect_is_given_up(location: str | None) -> None:
    async with behind_proxy(lambda _: http_answer(status=301, location=location)) as (images, proxy):
        error = await refusal_of(images, "http://images.example/a.png")

    assert error.message == "the image is redirected too often"
    assert len(proxy.asked) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1/",
        "//10.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433/",
        "http://user:secret@images.example/",
        "file:///etc/passwd",
        "ftp://images.example/a.png",
        "data:image/png;base64,AAAA",
        "http://[broken/",
    ],
)
async def test_a_redirect_to_what_may_not_be_fetched_is_not_followed(status: int, location: str) -> None:
    async with behind_proxy(lambda _: http_answer(status=status, location=location)) as (images, proxy):
        await refusal_of(images, "http://images.example/a.png")

    assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "localhost.", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]"),
        *("0.0.0.0", "[::]", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "①②⑦.0.0.1"),
    ],
)
async def test_no_spelling_of_this_machine_is_connected_to(host: str) -> None:
    async with answering(lambda _: IMAGE) as server, RemoteImages(HttpSettings()) as images:
        error = await refusal_of(images, f"http://{host}:{server.port}/a.png")

    assert error.message == "the image could not be fetched"
    assert server.asked == []


@pytest.mark.parametrize(
    "host",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "[fd00::1]", "[fe80::1]", "[fe80::1%25eth0]"),
        *("169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
        *("[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "224.0.0.1"),
    ],
)
async def test_a_literal_address_must_be_public(host: str) -> None:
    async with behind_proxy(lambda _: IMAGE) as (images, proxy):  # it would fetch whatever it is told to
        error = await refusal_of(images, f"http://{host}/a.png")

    assert error.message == "the image could not be fetched"
    assert proxy.asked == []


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["93.184.216.34", "127.0.0.1"]]
)
async def test_a_name_that_leads_inside_is_not_connected_to(addresses: list[str]) -> None:
    resolver = TableResolver({"images.example": addresses})
    async with answering(lambda _: IMAGE) as server, RemoteImages(HttpSettings(), resolver=resolver) as images:
        error = await refusal_of(images, f"http://images.example:{server.port}/a.png")

    assert error.message == "the image could not be fetched"
    assert server.asked == []


async def test_a_name_that_changes_its_mind_is_looked_at_again() -> None:
    names = TableResolver({"images.example": ["93.184.216.34"]})
    resolver = PublicResolver(names)
    assert await resolver.resolve("images.example") == await names.resolve("images.example")

    names.table["images.example"] = ["127.0.0.1"]

    with pytest.raises(OSError, match="public"):
        await resolver.resolve("images.example")


async def test_the_name_of_the_proxy_may_lead_inside_but_only_to_the_proxy() -> None:
    resolver = TableResolver({"proxy.internal": ["127.0.0.1"]})
    async with answering(lambda _: IMAGE) as proxy:
        settings = HttpSettings(proxy=f"http://proxy.internal:{proxy.port}", no_proxy=("internal",))
        async with RemoteImages(settings, resolver=resolver) as images:
            assert await images.fetch("http://images.example/a.png", param=PARAM)
            await refusal_of(images, f"http://proxy.internal:{proxy.port}/secret.png")

    assert [asked.target for asked in proxy.asked] == ["http://images.example/a.png"]


async def test_a_name_past_the_proxy_must_lead_to_the_public_internet() -> None:
    resolver = TableResolver({"files.internal": ["127.0.0.1"]})
    async with answering(lambda _: IMAGE) as server, answering(lambda _: IMAGE) as proxy:
        settings = HttpSettings(proxy=proxy.url, no_proxy=("internal",))
        async with RemoteImages(settings, resolver=resolver) as images:
            await refusal_of(images, f"http://files.internal:{server.port}/a.png")

    assert (server.asked, proxy.asked) == ([], [])


@pytest.mark.parametrize(
    "url",
    [
        *("", "a.png", "/etc/passwd", "file:///etc/passwd", "ftp://images.example/a.png", "gopher://images.example/"),
        *("http://", "http:///a.png", "data:image/png,AAAA", "http://[broken/", "http://images.example:99999/"),
        *("http://ada@images.example/", "http://ada:secret@images.example/", "http://:secret@images.example/"),
        "http://images.example/" + "x" * 10_000,
    ],
)
async def test_what_is_no_plain_http_url_is_refused_unasked(url: str) -> None:
    async with behind_proxy(lambda _: IMAGE) as (images, proxy):
        error = await refusal_of(images, url)

    assert "secret" not in error.message
    assert proxy.asked == []


@pytest.mark.parametrize(
    "media_type", ["text/html", "image/svg+xml", "application/json", "application/octet-stream", "image/", "nonsense"]
)
async def test_what_is_no_image_is_refused_and_not_told(media_type: str) -> None:
    async with behind_proxy(lambda _: http_answer(b"a secret", media_type=media_type)) as (images, _):
        error = await refusal_of(images, "http://images.example/a.png")

    assert error.message == "the URL does not lead to a PNG, JPEG, GIF or WebP image"


@pytest.mark.parametrize("status", [204, 206, 304, 401, 404, 500])
async def test_any_status_but_200_is_refused(status: int) -> None:
    async with behind_proxy(lambda _: http_answer(status=status, media_type="image/png")) as (images, _):
        error = await refusal_of(images, "http://images.example/a.png")

    assert error.message == "the image could not be fetched"


@pytest.mark.parametrize("body", [b"", b"x" * 100])
async def test_an_image_may_be_as_large_as_the_bound(body: bytes) -> None:
    async with behind_proxy(lambda _: http_answer(body, media_type="image/png"), ImageBounds(max_bytes=100)) as (
        images,
        _,
    ):
        assert (await images.fetch("http://images.example/a.png", param=PARAM)).data == base64.b64encode(body).decode()


async def test_an_image_beyond_the_bound_is_refused() -> None:
    image = http_answer(b"x" * 101, media_type="image/png")
    async with behind_proxy(lambda _: image, ImageBounds(max_bytes=100)) as (images, _):
        error = await refusal_of(images, "http://images.example/a.png")

    assert error.message == "the image is too large"


async def test_a_bomb_is_counted_as_what_it_unpacks_to() -> None:
    bomb = gzip.compress(b"x" * 100_000)
    answer = http_answer(bomb, media_type="image/png").replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n", 1)
    async with behind_proxy(lambda _: answer, ImageBounds(max_bytes=10_000)) as (images, _):
        error = await refusal_of(images, "http://images.example/a.png")

    assert len(bomb) < 10_000
    assert error.message == "the image is too large"


async def test_all_images_of_a_request_have_one_bound_together() -> None:
    image = http_answer(b"x" * 60, media_type="image/png")
    async with behind_proxy(lambda _: image, ImageBounds(max_bytes=100, max_total_bytes=100)) as (images, _):
        await images.fetch("http://images.example/a.png", param=PARAM)
        error = await refusal_of(images, "http://images.example/b.png")

    assert error.message == "the image is too large"


@pytest.mark.parametrize(
    "beginning",
    [b"", b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 100\r\n\r\n\x89PNG"],
    ids=["no head", "half a body"],
)
@pytest.mark.parametrize("bounds", [ImageBounds(timeout_s=0.2), ImageBounds(total_timeout_s=0.2)])
async def test_a_server_that_takes_too_long_is_given_up(beginning: bytes, bounds: ImageBounds) -> None:
    async with (
        answering(lambda _: beginning, hangs=True) as proxy,
        RemoteImages(HttpSettings(proxy=proxy.url), bounds=bounds) as images,
    ):
        async with asyncio.timeout(5):
            error = await refusal_of(images, "http://images.example/a.png")

    assert error.message == "the image could not be fetched"
    assert isinstance(error.__cause__, TimeoutError)


@pytest.mark.parametrize("answer", [b"this is not HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"])
async def test_a_server_that_talks_nonsense_or_breaks_off_is_refused(answer: bytes) -> None:
    async with behind_proxy(lambda _: answer) as (images, _):
        await refusal_of(images, "http://images.example/a.png")
