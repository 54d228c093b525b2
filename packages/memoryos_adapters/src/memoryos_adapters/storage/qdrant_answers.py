"""What a Qdrant server answers about itself and a collection, as far as it is read here."""

from typing import Any

import msgspec

from memoryos_ports.embedding import EmbedderStamp


class ServerAnswer(msgspec.Struct):
    """The answer to ``GET /``."""

    version: str


class StampMetadata(msgspec.Struct):
    """Whose vectors a collection holds."""

    embedder: str
    dimensions: int


class OurMetadata(msgspec.Struct):
    """What is ours in a collection's metadata."""

    memoryos: StampMetadata | None = None


class CollectionConfig(msgspec.Struct):
    """The part of a collection's configuration that was given when it was made."""

    metadata: OurMetadata | None = None


class CollectionAnswer(msgspec.Struct):
    """The result of ``GET /collections/NAME``."""

    config: CollectionConfig
    payload_schema: dict[str, Any] = {}
    points_count: int | None = None

    @property
    def stamp(self) -> EmbedderStamp | None:
        """Whose vectors it holds, None when it does not say: then it is none of ours."""
        stored = self.config.metadata and self.config.metadata.memoryos
        return EmbedderStamp(name=stored.embedder, dimensions=stored.dimensions) if stored else None
