"""Progress of long commands: a bar on a terminal, lines elsewhere."""

import io

from memoryos_gateway.progress import showing_progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_than_on_a_terminal_it_is_about_ten_lines() -> None:
    out = io.StringIO()

    with showing_progress("reembed", total=1000, unit="memories", to=out) as progress:
        for _ in range(1000):
            progress.update(1)

    lines = out.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == "reembed: 100 of 1000 memories"
    assert lines[-1] == "reembed: 1000 of 1000 memories"


def test_what_was_done_before_counts() -> None:
    out = io.StringIO()

    with showing_progress("reembed", total=10, done=8, unit="memories", to=out) as progress:
        progress.update(2)

    assert out.getvalue() == "reembed: 10 of 10 memories\n"


def test_on_a_terminal_it_is_a_bar() -> None:
    out = _Terminal()

    with showing_progress("reembed", total=4, unit="memories", to=out) as progress:
        progress.update(4)

    assert "100%" in out.getvalue()
    assert "4/4" in out.getvalue()
