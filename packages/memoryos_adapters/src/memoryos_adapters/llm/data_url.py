"""Images and files inside a request: data URLs taken apart and put together (RFC 2397)."""

import re

import msgspec

_DATA_URL = re.compile(
    r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,(?P<data>[A-Za-z0-9+/=_\s-]*)", re.ASCII
)


class InlineData(msgspec.Struct, frozen=True, kw_only=True):
    """A file in a request: its media type, and its bytes as base64."""

    media_type: str
    data: str

    @property
    def url(self) -> str:
        """The same as a data URL."""
        return f"data:{self.media_type};base64,{self.data}"


def read_data_url(url: str) -> InlineData | None:
    """Return what a base64 data URL holds, None for any other URL."""
    found = _DATA_URL.fullmatch(url)
    return InlineData(media_type=found["type"].lower(), data="".join(found["data"].split())) if found else None
