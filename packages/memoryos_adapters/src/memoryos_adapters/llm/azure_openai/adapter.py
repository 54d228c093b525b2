"""Azure OpenAI: OpenAI's dialect under Azure's addresses, credentials and versions (wire contract: AZ1-AZ7)."""

from collections.abc import Mapping

from yarl import URL

from memoryos_adapters.http import Http
from memoryos_adapters.llm.azure_openai.address import AzureAddress
from memoryos_adapters.llm.azure_openai.entra import EntraToken
from memoryos_adapters.llm.azure_openai.errors import AzureErrors
from memoryos_adapters.llm.azure_openai.versions import for_old_version, is_old
from memoryos_adapters.llm.call import Provider
from memoryos_adapters.llm.dialect import Outgoing
from memoryos_adapters.llm.hidden import hidden_texts
from memoryos_adapters.llm.http_llm import HttpLlmWithEmbeddings
from memoryos_adapters.llm.openai.dialect import OpenAiDialect
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.llm import ChatRequest


class AzureOpenAiLlm(HttpLlmWithEmbeddings):
    """The adapter of the kind ``azure_openai``: a model is the name of a deployment."""

    def __init__(self, name: str, settings: LlmProviderSettings, http: Http) -> None:
        super().__init__(name, settings, http, AzureOpenAiDialect(name, settings, http))


class AzureOpenAiDialect(OpenAiDialect):
    """OpenAI's dialect as Azure speaks it, with a key or, where `settings.entra` is given, with a token.

    The quirks of OpenAI's models are known by a deployment's name, so they are those of ``gpt-5`` if it is called so.
    """

    def __init__(self, name: str, settings: LlmProviderSettings, http: Http) -> None:
        super().__init__(name, settings)
        self.is_openai = True
        self.errors = AzureErrors(upstream=name, hidden=hidden_texts(settings))
        self.address = AzureAddress(self.base_url, settings.api_version)
        self.is_old = self.address.names_deployment and is_old(settings.api_version or "")
        self.token = EntraToken(settings.entra, Provider(name, settings, http)) if settings.entra is not None else None

    @property
    def reach_url(self) -> URL:
        """The list of models."""
        return self.address.models

    def url_of(self, operation: str, *, model: str) -> URL:
        """Return where ``chat/completions`` or ``embeddings`` of a deployment is asked for."""
        return self.address.of(operation, deployment=model)

    async def headers(self) -> Mapping[str, str]:
        """Return the content type and the credentials; a token may have to be fetched."""
        if self.token is not None:
            return {"content-type": "application/json", "authorization": f"Bearer {await self.token.bearer()}"}
        return {"content-type": "application/json", **({"api-key": self.key} if self.key else {})}

    def encode(self, request: ChatRequest, *, stream: bool) -> Outgoing:
        """Return the call for a request."""
        outgoing = super().encode(request, stream=stream)
        return for_old_version(outgoing, request) if self.is_old else outgoing

    def error_of(self, body: bytes, *, status: int, headers: Mapping[str, str], model: str) -> MemoryOSError:
        """Return the error that an answer other than a 200 means; a token that was refused is not used again."""
        if status == 401 and self.token is not None:
            self.token.refused()
        return super().error_of(body, status=status, headers=headers, model=model)
