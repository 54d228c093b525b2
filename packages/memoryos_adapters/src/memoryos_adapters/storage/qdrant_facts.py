"""What a Qdrant server says of itself and of the collection of the index, before anything is opened on it."""

from urllib.parse import quote

import msgspec

from memoryos_adapters.settings import QdrantSettings
from memoryos_adapters.storage.qdrant_answers import CollectionAnswer, ServerAnswer
from memoryos_adapters.storage.qdrant_http import UPSTREAM, QdrantHttp, Refused
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import UpstreamProtocolError

_MISSING = 404


class QdrantFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`stamp` is that of the collection, None when it says none: then it `is_foreign`, or there is no collection yet.

    `points` are the chunks that it holds.
    """

    version: str
    points: int = 0
    stamp: EmbedderStamp | None = None
    is_foreign: bool = False


async def read_facts(settings: QdrantSettings, *, ca_file: str | None = None) -> QdrantFacts:
    """Ask the server. Raises UpstreamError when it does not answer, or not as a Qdrant does, OSError for a bad file.

    `ca_file` (PEM) is trusted beside the system's authorities.
    """
    async with QdrantHttp.open(settings, ca_file=ca_file) as http:
        try:
            version = msgspec.json.decode(await http.send("GET", "/"), type=ServerAnswer).version
        except msgspec.DecodeError as exc:
            raise UpstreamProtocolError(upstream=UPSTREAM, detail="does not say its version") from exc
        try:
            path = f"/collections/{quote(settings.collection, safe='')}"
            found = await http.call("GET", path, answer=CollectionAnswer)
        except Refused as exc:
            if exc.status != _MISSING:
                raise
            return QdrantFacts(version=version)
    return QdrantFacts(
        version=version, points=found.points_count or 0, stamp=found.stamp, is_foreign=found.stamp is None
    )
