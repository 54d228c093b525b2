"""Both forms of Azure's URLs, and names of deployments that are no plain words."""

import pytest

from memoryos_adapters.llm.azure_openai.address import AzureAddress
from memoryos_ports.errors import ModelNotFound

RESOURCE = "https://resource.openai.azure.com"


@pytest.mark.parametrize(
    ("deployment", "quoted"),
    [
        ("gpt-4o", "gpt-4o"),
        ("a/b", "a%2Fb"),
        ("../../models", "..%2F..%2Fmodels"),
        ("a b?c#d%2F", "a%20b%3Fc%23d%252F"),
        ("é", "%C3%A9"),
    ],
)
def test_a_deployment_is_one_piece_of_the_path(deployment: str, quoted: str) -> None:
    url = AzureAddress(RESOURCE, "2024-10-21").of("chat/completions", deployment=deployment)

    assert str(url) == f"{RESOURCE}/openai/deployments/{quoted}/chat/completions?api-version=2024-10-21"


@pytest.mark.parametrize("deployment", ["", ".", ".."])
def test_a_deployment_that_would_be_no_piece_of_the_path_is_not_found(deployment: str) -> None:
    with pytest.raises(ModelNotFound):
        AzureAddress(RESOURCE, "2024-10-21").of("embeddings", deployment=deployment)


@pytest.mark.parametrize(
    ("base_url", "version", "models"),
    [
        (RESOURCE, "2024-10-21", f"{RESOURCE}/openai/models?api-version=2024-10-21"),
        (RESOURCE, None, f"{RESOURCE}/openai/v1/models"),
        (f"{RESOURCE}/openai/v1/", None, f"{RESOURCE}/openai/v1/models"),
        (f"{RESOURCE}/openai/v1", "preview", f"{RESOURCE}/openai/v1/models?api-version=preview"),
    ],
)
def test_the_form_is_told_by_the_url_and_the_version(base_url: str, version: str | None, models: str) -> None:
    assert str(AzureAddress(base_url, version).models) == models
