"""The rules for the section `embedding`: where an endpoint is, its model, and how its key is found."""

from collections.abc import Mapping

from msgspec.structs import replace

from memoryos_adapters.configuration.credentials import read_secret
from memoryos_adapters.configuration.faults import ABSENT, Faults
from memoryos_adapters.configuration.urls import HTTP_SCHEMES, echo_of, url_problem
from memoryos_adapters.llm_kinds import LLM_KINDS
from memoryos_adapters.settings import EmbeddingSettings

_PATH = ("embedding",)


def check_embedding(embedding: EmbeddingSettings, environ: Mapping[str, str], faults: Faults) -> EmbeddingSettings:
    """Return the section with its key filled in; whatever breaks a rule goes to `faults`."""
    if problem := url_problem(embedding.base_url, schemes=HTTP_SCHEMES):
        faults.add((*_PATH, "base_url"), problem, found=echo_of(embedding.base_url))
    key = read_secret(
        (*_PATH, "api_key"), variable=embedding.api_key_env, literal=embedding.api_key, environ=environ, faults=faults
    )
    checked = replace(embedding, base_url=embedding.base_url.rstrip("/"), api_key=key)
    if embedding.kind == "openai":
        _check_openai(checked, faults)
    return checked


def _check_openai(embedding: EmbeddingSettings, faults: Faults) -> None:
    if not embedding.model and not faults.touches((*_PATH, "model")):
        faults.add((*_PATH, "model"), "is missing: the kind openai needs one", found=ABSENT)
    openai = LLM_KINDS["openai"]
    has_key = embedding.api_key_env is not None or embedding.api_key is not None
    if embedding.base_url != openai.base_url or has_key:
        return  # a server of one's own may do without
    if not any(faults.touches((*_PATH, name)) for name in ("api_key_env", "api_key")):
        hint = f'such as api_key_env = "{openai.key_env}"'
        faults.add((*_PATH, "api_key_env"), "is missing: OpenAI needs a key", found=ABSENT, hint=hint)
