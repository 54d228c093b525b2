"""What personal data looks like in a text, and the checks that tell it from other numbers."""

import ipaddress
import re

EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]++(?<!\bgit)@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}"
    r"[A-Za-z]{2,24}(?![A-Za-z0-9-]|\.[A-Za-z0-9])"
)

PHONE = re.compile(
    r"""
    (?<![\w.+/-])(?:
      (?:\+|00(?=[1-9]))\d{1,3}(?:[ .-]?\(0?\d{1,4}\))?(?:[ ./-]?\d{2,6}){2,6}   # +49 (0)30 1234567, 0044 20 7946 0958
      |\+\d{8,15}                                                                # +4915112345678
      |(?:1[ .-])?(?:\(\d{3}\)[ ]?|\d{3}[-.])\d{3}[-.]\d{4}                      # (555) 123-4567, 1-555-123-4567
      |1[3-9]\d(?:[ -]?)\d{4}[ -]?\d{4}                                          # 138 1234 5678, a Chinese mobile
      |0[1-9]\d{1,4}[ /-]\d{6,9}                                                 # 0171 2345678
      |0[1-9](?:[ .]\d\d){4}                                                     # 06 12 34 56 78
    )(?![\w/-]|[.,]\d)
    """,
    re.VERBOSE,
)

CARD = re.compile(
    r"(?<![\w.+-])(?:(?:3[0-9]|4\d|5[0-8]|2[2-7]|6[0-9])\d{11,17}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?"
    r"|3\d{3}([ -])\d{6}\2\d{4,5})(?![\w-]|[.,]\d)"
)
_CARD_PREFIX = re.compile(r"4|5[0-8]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3(?:[47]|[0689]|5)|6(?:011|2|4[4-9]|5|3|7)")

SSN = re.compile(r"(?<![\w.-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-]|\.\d)")

_IBAN_LENGTHS = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
IBAN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    + "|".join(
        rf"(?:{countries.replace(' ', '|')})\d\d(?:[ ]?[A-Z0-9]){{{length - 4}}}"
        for length, countries in _IBAN_LENGTHS.items()
    )
    + r")(?![A-Za-z0-9])",
    re.IGNORECASE,
)

IP = re.compile(r"(?<![\w.:/-])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\w)|[0-9A-Fa-f]{3,4}:[0-9A-Fa-f:]{2,35}(?![\w:.]))")
_VERSION = re.compile(r"(?:version|release|build|ver|rev)[\s.:=v]{0,3}$", re.IGNORECASE)


def is_card(found: re.Match[str]) -> bool:
    """Return whether digits are the number of a payment card: an issuer's prefix, and the Luhn sum (ISO/IEC 7812)."""
    digits = re.sub(r"\D", "", found[0])
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    plain = [int(digit) for digit in digits[-1::-2]]
    return _CARD_PREFIX.match(digits) is not None and (sum(doubled) + sum(plain)) % 10 == 0


def is_iban(found: re.Match[str]) -> bool:
    """Return whether the check digits are right: the rearranged number is 1 modulo 97 (ISO 13616)."""
    iban = found[0].replace(" ", "").upper()
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


def is_address(found: re.Match[str]) -> bool:
    """Return whether it is the address of one machine: no version, no netmask, not the machine itself."""
    if _VERSION.search(found.string, max(0, found.start() - 12), found.start()):
        return False
    try:
        address = ipaddress.ip_address(found[0])
    except ValueError:
        return False
    is_mask = found[0].startswith("255.")
    return not (address.is_loopback or address.is_unspecified or is_mask)
