"""The promise of a provider's embeddings: what a client asks for by model name, passed on as the provider has it."""

from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from memoryos_ports.embedding import Vector
from memoryos_ports.llm import NO_FACTS, CallFacts, Usage

Tokens: TypeAlias = tuple[int, ...]


class EmbeddingsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be embedded: at least one text, or at least one non-empty list of the model's own tokens.

    `model` is the provider's own name for it. `dimensions` None leaves the length of the vectors to the model.
    `params` holds every other field of the caller's body, undecoded, in the OpenAI dialect (never model, input,
    dimensions or encoding_format).
    """

    model: str
    input: tuple[str, ...] | tuple[Tokens, ...]
    dimensions: int | None = None
    params: dict[str, msgspec.Raw] = {}


class EmbeddingsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One vector per input, in the order of the inputs. `usage` has no completion tokens; None: not reported."""

    model: str
    vectors: tuple[Vector, ...]
    usage: Usage | None = None
    facts: CallFacts = NO_FACTS


@runtime_checkable
class EmbeddingsAdapter(Protocol):
    """A provider that has embeddings. Safe to use from many tasks at once; never retries by itself.

    Raises what `LlmAdapter` raises. InvalidInput(param="input") when it takes no tokens and is given some.
    """

    async def embeddings(self, request: EmbeddingsRequest) -> EmbeddingsAnswer:
        """Return the vectors, as the provider made them: neither cut nor scaled here."""
        ...
