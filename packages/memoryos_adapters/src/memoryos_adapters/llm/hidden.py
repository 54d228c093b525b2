"""What never shows in an error: a provider's host, and the secrets that are sent to it."""

from yarl import URL

from memoryos_adapters.settings import LlmProviderSettings

_LEAST_CHARACTERS = 8
_SCHEME = "Bearer "


def hidden_texts(settings: LlmProviderSettings) -> tuple[str, ...]:
    """Return the host of `base_url`, the key, and the values of the configured headers.

    A secret of fewer than 8 characters is none (a local server's key is ``none``), and hiding it would break words.
    """
    given = (settings.api_key, *settings.headers.values())
    secrets = [secret.reveal().removeprefix(_SCHEME) for secret in given if secret is not None]
    host = URL(settings.base_url).host or ""
    return (host, *(secret for secret in secrets if len(secret) >= _LEAST_CHARACTERS))
