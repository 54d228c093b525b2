"""What a Gemini model is called on the wire, and what its generation can do (wire contract: GE5, GE11, GE12, GE13)."""

import re
from urllib.parse import quote

import msgspec

_GENERATION = re.compile(r"gemini-(\d{1,3})(?:\.(\d{1,3}))?(?!\d)")
_NEWEST = (1000, 0)  # aliases such as gemini-flash-latest, and names that nobody here knows
_COLLECTIONS = ("models", "tunedModels")


class GeminiModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model. `path` is its quoted place below the version of the API, ``models/gemini-3-flash``."""

    path: str
    generation: tuple[int, int]
    is_pro: bool

    @staticmethod
    def of(name: str) -> "GeminiModel":
        """Read a name, with or without ``models/``. Whatever it holds, it stays one part of the path."""
        collection, slash, rest = name.partition("/")
        if not slash or collection not in _COLLECTIONS:
            collection, rest = "models", name
        found = _GENERATION.search(rest)
        return GeminiModel(
            path=f"{collection}/{quote(rest, safe='')}",
            generation=(int(found[1]), int(found[2] or 0)) if found else _NEWEST,
            is_pro="pro" in rest.split("-"),
        )

    @property
    def thinks(self) -> bool:
        """Whether it can be told to think at all."""
        return self.generation >= (2, 5)

    @property
    def thinks_in_levels(self) -> bool:
        """Whether thinking is asked for by a level; older ones take a budget of tokens."""
        return self.generation >= (3, 0)

    @property
    def wants_signatures(self) -> bool:
        """Whether a function call that comes back without its thought signature is refused."""
        return self.generation >= (3, 0)

    @property
    def takes_json_schema(self) -> bool:
        """Whether schemas go out as they are; older ones know a part of OpenAPI 3.0 only."""
        return self.generation >= (2, 5)

    @property
    def takes_urls(self) -> bool:
        """Whether the provider itself fetches public https URLs (ai.google.dev, "File input methods")."""
        return self.generation >= (2, 5)
