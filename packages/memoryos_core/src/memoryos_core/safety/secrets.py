"""What keys, tokens and private keys look like in a text: the forms that their issuers document."""

import re

_PREFIXED = (
    r"(?:AKIA|ASIA|AIDA|AROA|AGPA|ANPA)[A-Z0-9]{16}",  # AWS
    r"gh[opsur]_[A-Za-z0-9]{36,}+|github_pat_[A-Za-z0-9_]{22,}+",
    r"glpat-[\w-]{20,}+",
    r"sk-[A-Za-z0-9_-]{20,}+",  # OpenAI and those who copied it
    r"(?:sk|rk|whsec)_(?:live|test)_[A-Za-z0-9]{16,}+",  # Stripe
    r"xox[abeoprs]-[A-Za-z0-9-]{10,}+",  # Slack
    r"AIza[\w-]{35}|ya29\.[\w-]{20,}+",  # Google
    r"hf_[A-Za-z0-9]{30,}+|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,}+",
    r"SG\.[\w-]{22}\.[\w-]{43}",  # SendGrid
    r"eyJ[\w-]{8,4096}+\.eyJ[\w-]{8,4096}+\.[\w-]{5,4096}+",  # JSON Web Token
)

_PRIVATE_KEY = (
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
)

_NAMED = (
    r"(?P<kept>(?i:\bbearer\s|(?:(?:api|access|auth|secret|private|client)[_-]?key|secret|token|password|passwd|pwd)"
    r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?))(?=(?:[^\s\"'\d]{0,64}\d){3})[A-Za-z0-9_+/=.~-]{16,4096}+(?![(\[])"
)
"""A header or an assignment; what stands there must be long and have digits, so that code stays code."""

SECRETS = re.compile(
    rf"(?s:{_PRIVATE_KEY})|(?<![A-Za-z0-9])(?:{'|'.join(_PREFIXED)})(?![A-Za-z0-9])|{_NAMED}",
)
"""A match keeps its group `kept`: what says that a secret follows."""
