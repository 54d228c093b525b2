"""Where a deployment of Azure OpenAI is asked: the two forms of its URLs (wire contract: AZ1)."""

from urllib.parse import quote

from yarl import URL

from memoryos_ports.errors import ModelNotFound

_V1 = "/openai/v1"


class AzureAddress:
    """The address of one resource, with or without ``/openai/v1``; that form is also the one without a version.

    ``…/openai/deployments/{deployment}/chat/completions?api-version=…`` names the deployment in the path,
    ``…/openai/v1/chat/completions`` in the body.
    """

    def __init__(self, base_url: str, api_version: str | None) -> None:
        resource = base_url.rstrip("/").removesuffix(_V1)
        self.names_deployment = api_version is not None and resource == base_url.rstrip("/")
        self._root = f"{resource}/openai" if self.names_deployment else f"{resource}{_V1}"
        self._query = "" if api_version is None else f"?api-version={quote(api_version, safe='')}"

    @property
    def models(self) -> URL:
        """The list of models."""
        return URL(f"{self._root}/models{self._query}")

    def of(self, operation: str, *, deployment: str) -> URL:
        """Return where ``chat/completions`` or ``embeddings`` of a deployment is asked for.

        Raises ModelNotFound for a name that would be another path.
        """
        if not self.names_deployment:
            return URL(f"{self._root}/{operation}{self._query}")
        if deployment in ("", ".", ".."):
            raise ModelNotFound(deployment)
        return URL(f"{self._root}/deployments/{quote(deployment, safe='')}/{operation}{self._query}")
