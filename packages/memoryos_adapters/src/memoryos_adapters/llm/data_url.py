"""Images and files inside a request: data URLs taken apart and put together (RFC 2397)."""

import re

import msgspec

_HEAD = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64", re.ASCII | re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/=_\s-]*", re.ASCII)


class InlineData(msgspec.Struct, frozen=True, kw_only=True):
    """A file in a request: its media type, and its bytes as base64."""

    media_type: str
    data: str

    @property
    def url(self) -> str:
        """The same as a data URL."""
        return f"data:{self.media_type};base64,{self.data}"


def is_data_url(url: str) -> bool:
    """Whether a URL is a base64 data URL by its head; the data, maybe 28 million characters, are not looked at."""
    found = _HEAD.match(url)
    return found is not None and url.startswith(",", found.end())


def read_data_url(url: str) -> InlineData | None:
    """Return what a base64 data URL holds, None for any other URL.

    The data come in the standard alphabet and without white space, whatever was sent.
    """
    head, comma, data = url.partition(",")
    found = _HEAD.fullmatch(head)
    if found is None or not comma or _BASE64.fullmatch(data) is None:
        return None
    data = "".join(data.split()).replace("-", "+").replace("_", "/")
    return InlineData(media_type=found["type"].lower(), data=data)
