"""The rules for what is taken out of texts before they are stored."""

import re

from memoryos_adapters.configuration.faults import Faults, KeyPath, suggestion
from memoryos_adapters.settings import PrivacySettings
from memoryos_ports.redaction import REDACTION_RULES


def check_privacy(privacy: PrivacySettings, faults: Faults) -> None:
    """Record every entry that is neither a rule nor an expression that can be used."""
    for index, entry in enumerate(privacy.redact):
        path = ("privacy", "redact", index)
        if len(entry) > 2 and entry.startswith("/") and entry.endswith("/"):
            _check_expression(path, entry, faults)
        elif entry not in REDACTION_RULES:
            hint = f"{suggestion(entry, REDACTION_RULES)}; or a regular expression between slashes"
            faults.add(path, "is no rule", found=entry, hint=hint)


def _check_expression(path: KeyPath, entry: str, faults: Faults) -> None:
    try:
        expression = re.compile(entry[1:-1], re.IGNORECASE | re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as exc:
        faults.add(path, f"is not a regular expression: {exc}", found=entry)
        return
    if expression.fullmatch(""):
        faults.add(path, "matches the empty text: nothing is there to be redacted", found=entry)
