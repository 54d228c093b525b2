"""Personal data and secrets are taken out of a text, and nothing that only looks like them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoryos_core.safety.redaction import Redactor
from memoryos_ports.errors import ConfigurationError
from memoryos_ports.redaction import REDACTION_RULES

ALL = Redactor(REDACTION_RULES)
KEY = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc/+=\n-----END RSA PRIVATE KEY-----"

FOUND = {
    "mail ana.b+x@example.co.uk!": "mail [email]!",
    "我的邮箱是ana@example.com。": "我的邮箱是[email]。",
    "<ana@example.com>, bob@example.org": "<[email]>, [email]",
    "https://ana:pw@example.com/x": "https://ana:[email]/x",
    "call +49 30 1234567": "call [phone]",
    "555-123-4567 555-123-4568 +49 30 1234567 +49 30 1234568": "[phone] [phone] [phone] [phone]",
    "+49 (0)30 1234567.": "[phone].",
    "+4915112345678": "[phone]",
    "0044 20 7946 0958": "[phone]",
    "(555) 123-4567": "[phone]",
    "555-123-4567, please": "[phone], please",
    "1-555-123-4567": "[phone]",
    "138 1234 5678": "[phone]",
    "06 12 34 56 78": "[phone]",
    "0171 2345678": "[phone]",
    "card 4111 1111 1111 1111 ok": "card [card] ok",
    "4111-1111-1111-1111": "[card]",
    "4111111111111111": "[card]",
    "378282246310005": "[card]",
    "3782 822463 10005": "[card]",
    "DE89 3704 0044 0532 0130 00 and": "[iban] and",
    "gb82WEST12345698765432": "[iban]",
    "FR1420041010050500013M02606": "[iban]",
    "from 203.0.113.7:8080": "from [ip]:8080",
    "host 10.1.2.3.": "host [ip].",
    "2001:db8::8a2e:370:7334": "[ip]",
    "ssn 123-45-6789": "ssn [ssn]",
    f"sk-proj-{KEY}": "[secret]",
    f"export GITHUB_TOKEN=ghp_{KEY}": "export GITHUB_TOKEN=[secret]",
    "AKIAIOSFODNN7EXAMPLE": "[secret]",
    f"Authorization: Bearer {KEY}": "Authorization: Bearer [secret]",
    f'api_key = "{KEY}"': 'api_key = "[secret]"',
    f'{{"password": "{KEY}"}}': '{"password": "[secret]"}',
    f"see\n{PEM}\nend": "see\n[secret]\nend",
    "-----BEGIN PRIVATE KEY-----\ncut sho": "[secret]",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4": "[secret]",
    "line one\r\n\tana@example.com\n\nline": "line one\r\n\t[email]\n\nline",
}

UNTOUCHED = [
    "",
    "version 1.2.3 and 10.4",
    "v1.2.3.4",
    "version 1.2.3.4",
    "build: 10.0.19045.1",
    "127.0.0.1 and 0.0.0.0 and 255.255.255.0",
    "300.1.2.3",
    "2023-05-12 and 12.05.2023 and 12/05/2023",
    "2023-05-12T10:30:45.123456Z",
    "at 10:30:45",
    "ISBN 978-3-16-148410-0",
    "ISBN 9783161484100",
    "order 4111111111111112",
    "order 1234-5678-9012-3456",
    "timestamp 1700000000000",
    "id 1234567890123456789",
    "3.141592653589793",
    "population 1,409,670,000",
    "$1,234,567.89",
    "std::vector<int> a::b",
    "de:ad:be:ef:00:01",
    "@app.route('/x')",
    "git@github.com:org/repo.git",
    "react@18.2.0",
    "password = os.environ['PASSWORD']",
    "token = get_token_from_cache_2(user)",
    "the secret: never give up",
    "api_key = 'your-key'",
    "sk-short",
    "DE88 3704 1044 1532 1130 11",
    "def f(x):\n    return x + 1234567890\n",
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
    "123-45-678 and 000-12-3456",
    "sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "550e8400-e29b-41d4-a716-446655440000",
    "10 000 000 people",
    "call 911 or 110",
    "[email] is redacted already",
]


@pytest.mark.parametrize(("text", "redacted"), FOUND.items())
def test_it_is_taken_out(text: str, redacted: str) -> None:
    assert ALL.redact(text) == redacted


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert ALL.redact(text) == text


def test_what_runs_into_the_next_is_left_the_second_time_too() -> None:
    once = ALL.redact("+49 30 1234567+49 30 1234567")
    assert once == "[phone]+49 30 1234567"
    assert ALL.redact(once) == once


def test_only_the_rules_that_are_asked_for_apply() -> None:
    text = "ana@example.com 4111 1111 1111 1111"
    assert Redactor(["card"]).redact(text) == "ana@example.com [card]"
    assert Redactor().redact(text) == text
    assert (bool(Redactor()), bool(ALL)) == (False, True)


def test_an_expression_of_the_operator_applies() -> None:
    redactor = Redactor([r"/\bEMP-\d+\b/", "email", "/x*/"])
    assert redactor.redact("emp-123 wrote to ana@example.com") == "[redacted] wrote to [email]"


def test_an_expression_does_not_reach_into_what_is_redacted() -> None:
    redactor = Redactor(["/redacted|email/"])
    assert redactor.redact("an email") == "an [redacted]"
    assert redactor.redact("an [redacted] [email]") == "an [redacted] [email]"


@pytest.mark.parametrize("rule", ["mail", "", "/", "//", "/(/", "Email"])
def test_an_unknown_rule_is_a_fault_of_the_configuration(rule: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Redactor(["email", rule])
    assert caught.value.faults == (f"privacy.redact: unknown rule {rule!r}",)


PIECES = st.sampled_from([*FOUND, *UNTOUCHED, "+", "-", "1", "@", ".", " ", "\n", "[", "4111", "Bearer "])
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=6).map("".join)


@settings(max_examples=300)
@given(TEXTS)
def test_redacted_twice_is_redacted_once(text: str) -> None:
    once = ALL.redact(text)
    assert ALL.redact(once) == once


@given(st.text())
def test_nothing_else_is_altered(text: str) -> None:
    redacted = ALL.redact(text)
    assert redacted == text or any(f"[{name}]" in redacted for name in REDACTION_RULES)


@pytest.mark.parametrize(
    "piece",
    [
        "a@",
        "a.",
        "1",
        "1 ",
        "1-",
        "+1",
        "a1:",
        "ab:",
        "-----BEGIN PRIVATE KEY-----",
        "eyJ",
        "sk-",
        "DE11 ",
        "key=",
        "token=1",
        "eyJaaaaaaaa-",
    ],
)
def test_a_long_text_takes_no_longer_than_it_is(piece: str) -> None:
    long = piece * (200_000 // len(piece))
    assert ALL.redact(ALL.redact(long)) == ALL.redact(long)
