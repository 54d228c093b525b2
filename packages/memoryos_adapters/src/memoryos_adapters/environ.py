"""The environment of the process: the only module that touches it; everything else is handed a mapping."""

import os
from collections.abc import Mapping
from types import MappingProxyType


def read_environment() -> Mapping[str, str]:
    """Return a read-only copy of the variables as they are now; later changes do not show in it."""
    return MappingProxyType(dict(os.environ))


def silence_onnxruntime() -> None:
    """Switch off what onnxruntime would report to its makers; it looks at this when it is imported, not later."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
