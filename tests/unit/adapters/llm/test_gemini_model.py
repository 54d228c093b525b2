"""Names of Gemini's models: their place in a URL, and what their generation can do."""

import pytest

from memoryos_adapters.llm.gemini.model import GeminiModel
from tests.support.gemini_requests import outgoing


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("gemini-3-flash", "models/gemini-3-flash"),
        ("models/gemini-3-flash", "models/gemini-3-flash"),
        ("tunedModels/mine", "tunedModels/mine"),
        ("publishers/google", "models/publishers%2Fgoogle"),
        ("../../v1/files", "models/..%2F..%2Fv1%2Ffiles"),
        ("models/../files", "models/..%2Ffiles"),
        ("x?key=1#y", "models/x%3Fkey%3D1%23y"),
        ("x%2Fy", "models/x%252Fy"),
        ("x:countTokens", "models/x%3AcountTokens"),
        ("a b\r\nc", "models/a%20b%0D%0Ac"),
        ("@evil.example/", "models/%40evil.example%2F"),
    ],
)
def test_a_name_stays_one_part_of_the_path(name: str, path: str) -> None:
    sent = outgoing(model=name).url

    assert GeminiModel.of(name).path == path
    assert str(sent) == f"https://gemini.example/v1beta/{path}:generateContent"
    assert sent.host == "gemini.example"


@pytest.mark.parametrize(
    ("name", "generation", "is_pro"),
    [
        ("gemini-3-pro-preview", (3, 0), True),
        ("gemini-3.1-flash-lite", (3, 1), False),
        ("models/gemini-2.5-pro", (2, 5), True),
        ("gemini-2.0-flash-001", (2, 0), False),
        ("gemini-1.5-pro-002", (1, 5), True),
        ("gemini-10-flash", (10, 0), False),
    ],
)
def test_a_name_tells_its_generation(name: str, generation: tuple[int, int], is_pro: bool) -> None:
    model = GeminiModel.of(name)

    assert (model.generation, model.is_pro) == (generation, is_pro)


@pytest.mark.parametrize("name", ["gemini-flash-latest", "a-model-of-tomorrow", "gemini-2024"])
def test_a_name_that_tells_nothing_is_of_the_newest(name: str) -> None:
    model = GeminiModel.of(name)

    assert model.thinks_in_levels
    assert model.takes_json_schema
