"""The features: each a pure function of the question and the candidates, giving one number per candidate."""

from collections.abc import Callable

from memoryos_core.ranking.dates import closeness
from memoryos_core.ranking.question import Asked
from memoryos_core.ranking.turns import Column, Turns, of_best, union_score
from memoryos_core.ranking.wording import (
    is_asking,
    is_instruction,
    is_preference,
    is_reaction,
    naming,
    tells_when,
)

Feature = Callable[[Asked, Turns], Column]


def cosine(_: Asked, turns: Turns) -> Column:
    """The likeness of the best chunk, 0 (the least) to 1 (the best)."""
    return turns.near


def words(_: Asked, turns: Turns) -> Column:
    """The turn's BM25 score, 0..1 of the best."""
    return turns.words


def window(_: Asked, turns: Turns) -> Column:
    """The BM25 score of the turn together with the one before and the one after, 0..1 of the best."""
    return of_best(
        [
            union_score(turns.candidates[place].words for place in (at, before, after) if place is not None)
            for at, (before, after) in enumerate(zip(turns.before, turns.after, strict=True))
        ]
    )


def agreement(_: Asked, turns: Turns) -> Column:
    """Cosine times words: what both lists say is not worth the sum of both."""
    return _product(turns.near, turns.words)


def next_cosine(_: Asked, turns: Turns) -> Column:
    """The likeness of the turn after it."""
    return turns.told_after(turns.near)


def answer_words(_: Asked, turns: Turns) -> Column:
    """The words of the turn before it, when that asks something: what follows is the answer."""
    return _product(turns.told_before(turns.words), _asking_before(turns))


def short_after(_: Asked, turns: Turns) -> Column:
    """The likeness of the turn before it, when this one is short: it says little without that one."""
    return _product(turns.told_before(turns.near), [1 - full for full in turns.fullness])


def episode_cosine(_: Asked, turns: Turns) -> Column:
    """The best likeness among the candidates of the episode."""
    return _by_episode(turns, [max(turns.near[at] for at in episode) for episode in turns.episodes])


def episode_words(_: Asked, turns: Turns) -> Column:
    """The BM25 score of the episode's candidates taken as one turn, 0..1 of the best."""
    scores = [union_score(turns.candidates[at].words for at in episode) for episode in turns.episodes]
    return _by_episode(turns, of_best(scores))


def speaker(asked: Asked, turns: Turns) -> Column:
    """1 when the question names who spoke."""
    named = {name: float(asked.names(name)) for name in {candidate.page.name for candidate in turns.candidates}}
    return [named[candidate.page.name] for candidate in turns.candidates]


def user(_: Asked, turns: Turns) -> Column:
    """1 for what was not said by an assistant."""
    return [float(not is_assistant) for is_assistant in _by_assistant(turns)]


def told(asked: Asked, turns: Turns) -> Column:
    """1 for an assistant's turn when the question is what the assistant said."""
    return _by_assistant(turns) if asked.to_assistant else _nowhere(turns)


def overview(asked: Asked, turns: Turns) -> Column:
    """1 for an assistant's turn when an overview is asked for."""
    return _by_assistant(turns) if asked.for_overview else _nowhere(turns)


def instruction(asked: Asked, turns: Turns) -> Column:
    """1 for a standing instruction of a user, when the question is a request that it may be meant for."""
    return _of_users(turns, is_instruction) if asked.request else _nowhere(turns)


def preference(asked: Asked, turns: Turns) -> Column:
    """1 for what a user prefers, when the question is a request."""
    return _of_users(turns, is_preference) if asked.request else _nowhere(turns)


def date(asked: Asked, turns: Turns) -> Column:
    """How close the turn's time is to the times that the question names, 0..1."""
    return closeness(asked, turns)


def when(asked: Asked, turns: Turns) -> Column:
    """1 for a turn that says when, if that is asked."""
    if not asked.when:
        return _nowhere(turns)
    return [float(tells_when(candidate.page.text)) for candidate in turns.candidates]


def length(_: Asked, turns: Turns) -> Column:
    """How much the turn says, 0..1."""
    return turns.fullness


def names(_: Asked, turns: Turns) -> Column:
    """How many names the turn holds, 0..1."""
    return [naming(candidate.page.text) for candidate in turns.candidates]


def opening(_: Asked, turns: Turns) -> Column:
    """1 for the first turn of a session, where news is told."""
    return [float(candidate.page.follows is None) for candidate in turns.candidates]


def reaction(_: Asked, turns: Turns) -> Column:
    """1 for a turn that begins as an answer to what was just said."""
    return [float(is_reaction(candidate.page.text)) for candidate in turns.candidates]


def verbatim(asked: Asked, turns: Turns) -> Column:
    """1 for a turn that holds the question word for word: somebody finds a turn again by quoting it."""
    if " " not in asked.text and asked.text.isascii():
        return _nowhere(turns)
    return [float(asked.text in candidate.page.text.casefold()) for candidate in turns.candidates]


FEATURES: tuple[Feature, ...] = (
    cosine,
    words,
    window,
    agreement,
    next_cosine,
    answer_words,
    short_after,
    episode_cosine,
    episode_words,
    speaker,
    user,
    told,
    overview,
    instruction,
    preference,
    date,
    when,
    length,
    names,
    opening,
    reaction,
    verbatim,
)


def _nowhere(turns: Turns) -> Column:
    return [0.0] * len(turns.candidates)


def _by_assistant(turns: Turns) -> Column:
    return [float(candidate.page.role == "assistant") for candidate in turns.candidates]


def _of_users(turns: Turns, says: Callable[[str], bool]) -> Column:
    pages = (candidate.page for candidate in turns.candidates)
    return [float(page.role != "assistant" and says(page.text)) for page in pages]


def _asking_before(turns: Turns) -> Column:
    return turns.told_before([float(is_asking(candidate.page.text)) for candidate in turns.candidates])


def _product(left: Column, right: Column) -> Column:
    return [a * b for a, b in zip(left, right, strict=True)]


def _by_episode(turns: Turns, values: Column) -> Column:
    column = _nowhere(turns)
    for value, episode in zip(values, turns.episodes, strict=True):
        for at in episode:
            column[at] = value
    return column
