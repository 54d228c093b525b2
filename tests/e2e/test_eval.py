"""`memoryos-gateway eval` as a process: what it prints and how it exits."""

import os
from pathlib import Path

import msgspec

from tests.support.process import Finished, run_command, serving

_LINES = ["I adopted a greyhound called Pixel", "My sister lives in Oslo", "The kitchen is painted green"]


def _benchmark(directory: Path) -> Path:
    turns = [{"id": f"t{n}", "speaker": "Ana", "text": text, "session": "1"} for n, text in enumerate(_LINES)]
    questions = [
        {"id": "q1", "question": "What is the greyhound called?", "category": "pets", "evidence": ["t0"]},
        {"id": "q2", "question": "Who lives in Oslo?", "category": "family", "evidence": ["t1"]},
        {"id": "q3", "question": "Who sings?", "category": "adversarial", "evidence": ["t2"]},
        {"id": "q4", "question": "And why?", "category": "adversarial", "evidence": []},
    ]
    conversations = [{"id": name, "turns": turns, "questions": questions} for name in ("one", "two")]
    file = directory / "small.json"
    file.write_bytes(msgspec.json.encode({"name": "small", "conversations": conversations}))
    return file


async def _evaluate(directory: Path, *flags: str, environ: dict[str, str] | None = None) -> Finished:
    arguments = ("eval", str(_benchmark(directory)), "--embedding", "hashed", *flags)
    return await run_command("memoryos_gateway", *arguments, cwd=directory, environ=environ)


async def test_the_table_has_a_line_per_category(tmp_path: Path) -> None:
    finished = await _evaluate(tmp_path)

    assert finished.code == 0, finished.stderr
    name, head, *rows, speed = finished.stdout.splitlines()
    assert (name, head.split()[:3]) == ("small", ["r@1", "r@5", "r@10"])
    assert [row.split()[:4] for row in rows] == [
        ["overall", "(4)", "1.000", "1.000"],
        ["pets", "(2)", "1.000", "1.000"],
        ["family", "(2)", "1.000", "1.000"],
        ["adversarial", "(2)", rows[3].split()[2], "1.000"],
    ]
    assert speed.startswith("6 turns at ")
    assert finished.stderr.splitlines()[-1] == "small: 6 of 6 questions"
    assert os.listdir(tmp_path) == ["small.json"]


async def test_json_has_every_question_and_a_limit_leaves_conversations_out(tmp_path: Path) -> None:
    finished = await _evaluate(tmp_path, "--json", "--limit", "1")

    run = msgspec.json.decode(finished.stdout)["small"]
    assert [(answer["id"], answer["turns"][:1]) for answer in run["answers"][:2]] == [("q1", ["t0"]), ("q2", ["t1"])]
    assert run["summary"]["overall"]["count"] == 2
    assert run["summary"]["overall"]["foreign"] == 0


async def test_in_one_users_memory_the_other_conversation_is_in_the_way(tmp_path: Path) -> None:
    finished = await _evaluate(tmp_path, "--json", "--one-user")

    overall = msgspec.json.decode(finished.stdout)["small"]["summary"]["overall"]
    assert overall["foreign"] == 3
    assert overall["r@5"] == 1.0


async def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    finished = await _evaluate(tmp_path, "--limit", "1", "--plot", "recall.png")

    assert finished.code == 0, finished.stderr
    assert (tmp_path / "recall.png").read_bytes().startswith(b"\x89PNG")


async def test_without_matplotlib_a_plot_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError\n")

    finished = await _evaluate(tmp_path, "--plot", "recall.png", environ={"PYTHONPATH": str(tmp_path)})

    assert finished.code == 1
    assert finished.stderr == "--plot: needs matplotlib: pip install 'memoryos_gateway[eval]'\n"


async def test_a_running_gateway_is_asked_with_its_key(tmp_path: Path) -> None:
    config = tmp_path / "keys.toml"
    config.write_text('[[auth.keys]]\nkey_env = "GATEWAY_KEY"\ntenant = "acme"\n')
    environ = {"MEMORYOS_CONFIG": str(config), "GATEWAY_KEY": "sk-one"}
    plain = tmp_path / "plain"
    plain.mkdir()
    async with serving(tmp_path / "data", environ=environ) as gateway:
        with_key = await _evaluate(plain, "--url", gateway.url, "--key-env", "KEY", environ={"KEY": "sk-one"})
        without = await _evaluate(plain, "--url", gateway.url)

    assert with_key.code == 0, with_key.stderr
    assert with_key.stdout.splitlines()[2].split()[:3] == ["overall", "(4)", "1.000"]
    assert without.code == 1
    assert without.stderr.startswith("gateway: 401 ")


async def test_a_file_that_is_none_fails_and_a_missing_one_is_a_usage_error(tmp_path: Path) -> None:
    strange = tmp_path / "strange.json"
    strange.write_text("[]")

    fault = await run_command("memoryos_gateway", "eval", "strange.json", cwd=tmp_path)
    usage = await run_command("memoryos_gateway", "eval", cwd=tmp_path)

    assert fault.code == 1
    assert fault.stderr.startswith("strange.json: not a benchmark: ")
    assert usage.code == 2
