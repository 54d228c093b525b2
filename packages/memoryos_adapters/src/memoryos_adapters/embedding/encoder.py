"""The MiniLM model itself: tokenizer and ONNX graph, texts in, vectors out, blocking."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from memoryos_adapters.embedding.text import readable
from memoryos_adapters.environ import silence_onnxruntime
from memoryos_ports.errors import ConfigurationError

MODEL_DIRECTORY = Path(__file__).with_name("minilm_model")
DIMENSIONS = 384

_MAX_TOKENS = 256  # what the model was made for, special tokens included
_MAX_CHARACTERS = 8192  # 32 per token: tokenising a whole megabyte takes a second, this much 10 ms
_RUN_TOKENS = 256  # of one run, padding included; longer runs are no faster per token on one thread


class MiniLmEncoder:
    """all-MiniLM-L6-v2 on one thread per caller; safe to call from several threads at once."""

    def __init__(self, tokenizer: Tokenizer, session: Any) -> None:
        self._tokenizer = tokenizer
        self._session = session

    @classmethod
    def load(cls, directory: Path = MODEL_DIRECTORY) -> Self:
        """Read the model that was packaged with the wheel: .2 s, 90 MB.

        Raises ConfigurationError when the package was built without it.
        """
        tokenizer_file, graph_file = directory / "tokenizer.json", directory / "model.onnx"
        if not (tokenizer_file.is_file() and graph_file.is_file()):
            raise ConfigurationError(
                ["embedding.kind: minilm is not in this installation: build memoryos_adapters again"]
            )
        silence_onnxruntime()
        # after that, and only by who embeds with it: it takes a second to import
        import onnxruntime  # type: ignore[import-untyped]  # ships neither stubs nor a py.typed

        tokenizer = Tokenizer.from_file(str(tokenizer_file))
        tokenizer.enable_truncation(_MAX_TOKENS)
        tokenizer.no_padding()  # the file pads to 128; here a run pads to its own longest text
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # the calling thread: the other cores serve requests
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(graph_file), options, providers=["CPUExecutionProvider"])
        return cls(tokenizer, session)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, len(texts) x 384, in order. Text beyond 8,192 characters, then 256 tokens, is cut."""
        tokens = self._tokenize(texts)
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)
        for run in _runs([len(ids) for ids in tokens]):
            vectors[run] = self._run([tokens[index] for index in run])
        return vectors

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        clean = [readable(text, max_characters=_MAX_CHARACTERS) for text in texts]
        # unlike `encode`, which holds the GIL for as long as it takes
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(clean)]

    def _run(self, tokens: list[list[int]]) -> NDArray[np.float32]:
        ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(tokens):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        vectors: NDArray[np.float32] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return vectors


def _runs(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the indexes of texts to run together: alike in length, at most `_RUN_TOKENS` with padding."""
    run: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if run and (len(run) + 1) * lengths[index] > _RUN_TOKENS:
            yield run
            run = []
        run.append(index)
    if run:
        yield run
