"""Plain BM25 over our own terms (CJK by character bigrams), as a floor: ``python bigram_bm25.py FILE [--names]``.

Prints the share of each question's evidence turns among the first 10 that BM25 (Robertson and Zaragoza 2009, k1 = 1.2,
b = 0.75, statistics of one conversation) finds, over all questions and per category. ``--names`` puts the speaker's
name before each turn.
"""

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memoryos_adapters.terms import extract_terms

_K1, _B = 1.2, 0.75
_TOP = 10


def recalls(conversation: dict[str, Any], *, names: bool) -> list[tuple[str, float]]:
    """Return category and recall (0..1) of every question of a conversation that has evidence."""
    turns = conversation["turns"]
    texts = [f"{turn['speaker']}: {turn['text']}" if names else turn["text"] for turn in turns]
    documents = [Counter(extract_terms(text)) for text in texts]
    found = []
    for question in conversation["questions"]:
        if question["evidence"]:
            best = _ranked(documents, extract_terms(question["question"]))[:_TOP]
            hits = {turns[place]["id"] for place in best}.intersection(question["evidence"])
            found.append((question["category"], len(hits) / len(set(question["evidence"]))))
    return found


def _ranked(documents: Sequence[Counter[str]], asked: Sequence[str]) -> list[int]:
    """Return the places of the documents that share a term, best first."""
    average = sum(document.total() for document in documents) / len(documents)
    scores: dict[int, float] = defaultdict(float)
    for term, weight in Counter(asked).items():
        having = [place for place, document in enumerate(documents) if term in document]
        idf = math.log(1 + (len(documents) - len(having) + 0.5) / (len(having) + 0.5))
        for place in having:
            count, length = documents[place][term], documents[place].total() / average
            scores[place] += weight * idf * count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * length))
    return sorted(scores, key=lambda place: (-scores[place], place))


def main() -> None:
    """Read the arguments and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--names", action="store_true")
    arguments = parser.parse_args()
    conversations = json.loads(arguments.file.read_text(encoding="utf-8"))["conversations"]
    rows = [row for conversation in conversations for row in recalls(conversation, names=arguments.names)]
    by_category: dict[str, list[float]] = defaultdict(list)
    for category, recall in rows:
        by_category["overall"].append(recall)
        by_category[category].append(recall)
    for category, values in by_category.items():
        print(f"{category:12} {len(values):4} questions  r@{_TOP} {sum(values) / len(values):.3f}")


if __name__ == "__main__":
    main()
