"""Data URLs are taken apart, and put together again."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_adapters.llm.data_url import InlineData, is_data_url, read_data_url


@given(data=st.binary(max_size=64), media_type=st.sampled_from(["image/png", "image/svg+xml", "application/pdf"]))
def test_a_data_url_comes_back_as_it_was(data: bytes, media_type: str) -> None:
    inline = InlineData(media_type=media_type, data=base64.b64encode(data).decode())

    assert read_data_url(inline.url) == inline


@pytest.mark.parametrize(
    ("url", "media_type", "data"),
    [
        ("data:image/png;base64,AAAA", "image/png", "AAAA"),
        ("data:image/PNG;charset=utf-8;name=a.png;base64,AAAA", "image/png", "AAAA"),
        ("DATA:image/png;BASE64,AAAA", "image/png", "AAAA"),
        ("data:image/png;base64,AA\r\n AA\t", "image/png", "AAAA"),
        ("data:image/png;base64,-_-_", "image/png", "+/+/"),
        ("data:image/png;base64,", "image/png", ""),
    ],
)
def test_other_spellings_come_back_in_the_standard_one(url: str, media_type: str, data: str) -> None:
    assert read_data_url(url) == InlineData(media_type=media_type, data=data)
    assert is_data_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.org/a.png",
        "data:image/png,AAAA",
        "data:image/png;base64",
        "data:;base64,AAAA",
        "data:png;base64,AAAA",
        "data:image/png;base64,AA AA\x00",
        "data:image/png;base64,AAÄA",
        "data:image/png;base64,AAAA,BBBB",
        " data:image/png;base64,AAAA",
    ],
)
def test_anything_else_is_no_data_url(url: str) -> None:
    assert read_data_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.org/a.png",
        "data:image/png,AAAA",
        "data:image/png;base64",
        "data:image/png;base64;x=1,AAAA",
        "data:image/png;base64x,AAAA",
        "data:;base64,AAAA",
        " data:image/png;base64,AAAA",
    ],
)
def test_the_head_alone_tells_what_is_no_data_url(url: str) -> None:
    assert not is_data_url(url)
    assert read_data_url(url) is None
