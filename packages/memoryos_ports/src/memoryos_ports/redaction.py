"""The names of what can be taken out of texts before they are stored."""

from typing import Final

REDACTION_RULES: Final = ("secret", "email", "iban", "card", "ssn", "phone", "ip")
"""In the order in which they are applied: what is longer and surer comes first."""
