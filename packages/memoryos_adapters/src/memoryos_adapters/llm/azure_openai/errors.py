"""What Azure says in its refusals beside OpenAI's dialect (wire contract: AZ4)."""

import msgspec
from msgspec.structs import replace

from memoryos_adapters.llm.refusals import ErrorTable, Refusal


class _Inner(msgspec.Struct, frozen=True):
    code: str | None = None


class _Error(msgspec.Struct, frozen=True):
    innererror: _Inner | None = None
    inner_error: _Inner | None = None


class _Body(msgspec.Struct, frozen=True):
    error: _Error


class AzureErrors(ErrorTable):
    """Knows a filtered prompt by its inner error, whose name has two spellings; its code is ``content_filter``."""

    def read(self, body: bytes) -> Refusal:
        """Read an error's body."""
        refusal = super().read(body)
        return replace(refusal, code="content_filter") if _is_filtered(body) else refusal


def _is_filtered(body: bytes) -> bool:
    try:
        error = msgspec.json.decode(body, type=_Body).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    inner = error.innererror or error.inner_error
    return inner is not None and inner.code == "ResponsibleAIPolicyViolation"
