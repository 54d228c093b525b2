"""Facts and segments beside pages: every kind has its places, and the slot that is asked for comes first."""

from itertools import pairwise

import msgspec

from memoryos_core.ranking.knowledge import KnowledgeHit, rank_found
from memoryos_ports.knowledge import Fact
from memoryos_ports.memory import Found, KnowledgeCandidate
from tests.support.makers import NOON, after, make_candidate, make_fact, make_page


def ranked(question: str, found: Found, *, limit: int = 5) -> list[KnowledgeHit]:
    """Return the knowledge that answers a question an hour after noon."""
    now = after(3600)
    return rank_found(question, found, asked_at=now, held_at=now, limit=limit)[1]


def test_many_pages_do_not_cut_knowledge_away() -> None:
    pages = [make_candidate(make_page("I live here " * 20, event=f"e{n}"), cosine=0.9, bm25=2.0) for n in range(9)]
    fact = KnowledgeCandidate(memory=make_fact("the user resides in Berlin"), cosine=0.1)
    hits, knowledge = rank_found(
        "is it here", Found(pages=pages, knowledge=[fact]), asked_at=NOON, held_at=NOON, limit=5
    )
    assert (len(hits), [hit.memory for hit in knowledge]) == (5, [fact.memory])


def test_the_fact_of_the_slot_that_is_asked_for_comes_first() -> None:
    near = KnowledgeCandidate(memory=make_fact("the user likes to live well", source="e1", slot="likes"), cosine=0.6)
    asked = KnowledgeCandidate(memory=make_fact("the user is in Berlin", source="e2", slot="location"), cosine=0.3)
    first, second = ranked("Where do I live?", Found(knowledge=[near, asked]))
    assert (first.memory, first.slot, second.slot) == (asked.memory, True, False)
    assert [hit.memory for hit in ranked("What is good?", Found(knowledge=[near, asked]))] == [
        near.memory,
        asked.memory,
    ]


def chain(*texts: str) -> list[Fact]:
    """Return facts that follow each other a minute apart, the last of which holds."""
    facts = [
        make_fact(text, source=f"e{n}", valid_from=after(60 * n), valid_to=after(60 * n + 60))
        for n, text in enumerate(texts)
    ]
    linked = [msgspec.structs.replace(a, superseded_by=b.id) for a, b in pairwise(facts)]
    return [*linked, msgspec.structs.replace(facts[-1], valid_to=None)]


def test_a_fact_names_the_pages_that_tell_what_it_replaced() -> None:
    rome, oslo, berlin = chain("lives in Rome", "lives in Oslo", "lives in Berlin")
    found = Found(knowledge=[KnowledgeCandidate(memory=fact) for fact in (oslo, berlin, rome)])
    (hit,) = ranked("where", found)
    assert (hit.memory, hit.outdated) == (berlin, frozenset({*rome.sources, *oslo.sources}))


def test_a_chain_that_leads_nowhere_or_in_a_ring_replaces_nothing() -> None:
    rome, oslo, berlin = chain("lives in Rome", "lives in Oslo", "lives in Berlin")
    ring = msgspec.structs.replace(oslo, superseded_by=rome.id)
    (hit,) = ranked("where", Found(knowledge=[KnowledgeCandidate(memory=fact) for fact in (rome, ring, berlin)]))
    assert hit.outdated == frozenset()
