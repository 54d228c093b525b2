"""Token vectors distilled from MiniLM: ``python static_vectors.py GRAPH TOKENIZER TABLE``.

Each entry of the vocabulary goes through the model alone. PCA over the entries in use takes its 384 dimensions to 256,
and SIF (Arora et al. 2017) weighs it by how frequent it is, which its place in the vocabulary tells (Zipf's law). TABLE
gets ``rows`` (int8, entries x 256) and ``scales`` (float32, entries): the vector of token i is ``scales[i] * rows[i]``.
The same bytes on one machine; elsewhere a number may be rounded the other way.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # ships neither stubs nor a py.typed
from numpy.typing import NDArray

_DIMENSIONS = 256
_FIRST_USED = 999  # below are special tokens and unused ones
_FIRST_WORD = 1996  # below are single characters; from here on BERT's vocabulary is ordered by frequency
_SIF = 1e-3
_AT_ONCE = 256


def distil(graph: Path, tokenizer: Path) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return rows and scales; special tokens and unused entries are zero."""
    vocabulary: dict[str, int] = json.loads(tokenizer.read_bytes())["model"]["vocab"]
    words = sorted(vocabulary, key=vocabulary.__getitem__)
    vectors = _reduced(_encoded(graph, vocabulary)) * _weights(words)[:, None]
    vectors[:_FIRST_USED] = 0
    scales = np.abs(vectors).max(axis=1) / np.iinfo(np.int8).max
    rows = np.rint(vectors / np.where(scales, scales, 1)[:, None])
    return rows.astype(np.int8), scales.astype(np.float32)


def _encoded(graph: Path, vocabulary: dict[str, int]) -> NDArray[np.float64]:
    """Return the model's vector of every entry between the two tokens that begin and end a text."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # more threads add in another order
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    texts = np.empty((len(vocabulary), 3), np.int64)
    texts[:, 0], texts[:, 1], texts[:, 2] = vocabulary["[CLS]"], np.arange(len(vocabulary)), vocabulary["[SEP]"]
    runs = [texts[start : start + _AT_ONCE] for start in range(0, len(texts), _AT_ONCE)]
    vectors: list[NDArray[np.float32]] = [
        session.run(None, {"input_ids": run, "attention_mask": np.ones_like(run)})[0] for run in runs
    ]
    return np.concatenate(vectors).astype(np.float64)


def _reduced(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project on the principal axes of the entries in use, each axis turned so that its greatest number is positive."""
    centred = vectors - vectors[_FIRST_USED:].mean(axis=0)
    used = centred[_FIRST_USED:]
    _, axes = np.linalg.eigh(used.T @ used)  # ascending
    axes = axes[:, ::-1][:, :_DIMENSIONS]
    greatest = np.abs(axes).argmax(axis=0)
    reduced: NDArray[np.float64] = centred @ (axes * np.sign(axes[greatest, np.arange(_DIMENSIONS)]))
    return reduced


def _weights(words: list[str]) -> NDArray[np.float64]:
    """Return a / (a + p) with p falling as 1 / rank; letters, digits and punctuation count as the most frequent."""
    ranks = np.maximum(np.arange(len(words)) - _FIRST_WORD + 1, 1)
    foreign = [place for place in range(_FIRST_USED, _FIRST_WORD) if not words[place].isascii()]
    ranks[foreign] = len(words)  # characters of other scripts: there they are words
    chances = 1 / (ranks + 1)
    return _SIF / (_SIF + chances / np.sum(1 / np.arange(2, len(words) - _FIRST_USED + 2)))


if __name__ == "__main__":
    graph_file, tokenizer_file, table_file = map(Path, sys.argv[1:])
    table_rows, table_scales = distil(graph_file, tokenizer_file)
    np.savez(table_file, rows=table_rows, scales=table_scales)
