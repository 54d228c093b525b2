"""The ONNX graph of all-MiniLM-L6-v2, written by hand from its safetensors: ``python minilm_graph.py WEIGHTS GRAPH``.

Inputs ``input_ids`` and ``attention_mask`` (int64, batch x tokens), output ``vectors`` (float32, batch x 384): BERT
(Devlin et al. 2018, post-norm, exact GELU), the mean over unmasked tokens, unit length. Standard operators only.
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

_LAYERS, _HEADS, _HEAD_SIZE = 6, 12, 32
_OPSET, _IR_VERSION = 17, 8
_NORM_EPSILON = 1e-12
_MASKED = -10_000.0  # added to the score of a padding token; what BERT was trained with


class MiniLmGraph:
    """Collects the nodes and constants of the graph; each method adds a part and returns the name of its output."""

    def __init__(self, weights: dict[str, NDArray[np.float32]]) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def build(self) -> onnx.ModelProto:
        """Return the whole model."""
        bias = self._mask_bias()
        hidden = self._embeddings()
        for number in range(_LAYERS):
            layer = f"encoder.layer.{number}"
            attended = self._attention(hidden, bias, f"{layer}.attention")
            hidden = self._norm(self._op("Add", attended, hidden), f"{layer}.attention.output.LayerNorm")
            inner = self._gelu(self._linear(hidden, f"{layer}.intermediate.dense"))
            outer = self._linear(inner, f"{layer}.output.dense")
            hidden = self._norm(self._op("Add", outer, hidden), f"{layer}.output.LayerNorm")
        self._nodes.append(helper.make_node("Identity", [self._pooled(hidden)], ["vectors"]))
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [
                helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
                for name in ("input_ids", "attention_mask")
            ],
            [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", _HEADS * _HEAD_SIZE])],
            list(self._constants.values()),
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
        onnx.checker.check_model(model)
        return model

    def _mask_bias(self) -> str:
        mask = self._op("Cast", self._op("Unsqueeze", "attention_mask", self._ints([1, 2])), to=TensorProto.FLOAT)
        return self._op("Mul", self._op("Sub", self._float(1.0), mask), self._float(_MASKED))

    def _embeddings(self) -> str:
        words = self._op("Gather", self._weight("embeddings.word_embeddings.weight"), "input_ids")
        # every token is of type 0, so its row is folded into the positions
        table = self._weights["embeddings.position_embeddings.weight"]
        positions = self._constant("positions", table + self._weights["embeddings.token_type_embeddings.weight"][0])
        length = self._op("Slice", self._op("Shape", "input_ids"), self._ints([1]), self._ints([2]))
        used = self._op("Slice", positions, self._ints([0]), length, self._ints([0]))
        return self._norm(self._op("Add", words, used), "embeddings.LayerNorm")

    def _attention(self, hidden: str, bias: str, name: str) -> str:
        query = self._heads(self._linear(hidden, f"{name}.self.query"), [0, 2, 1, 3])
        key = self._heads(self._linear(hidden, f"{name}.self.key"), [0, 2, 3, 1])
        value = self._heads(self._linear(hidden, f"{name}.self.value"), [0, 2, 1, 3])
        scores = self._op("Mul", self._op("MatMul", query, key), self._float(_HEAD_SIZE**-0.5))
        chances = self._op("Softmax", self._op("Add", scores, bias), axis=-1)
        mixed = self._op("Transpose", self._op("MatMul", chances, value), perm=[0, 2, 1, 3])
        joined = self._op("Reshape", mixed, self._ints([0, 0, _HEADS * _HEAD_SIZE]))
        return self._linear(joined, f"{name}.output.dense")

    def _heads(self, projected: str, order: Sequence[int]) -> str:
        return self._op("Transpose", self._op("Reshape", projected, self._ints([0, 0, _HEADS, _HEAD_SIZE])), perm=order)

    def _gelu(self, x: str) -> str:
        half = self._op("Mul", x, self._float(0.5))
        erf = self._op("Erf", self._op("Div", x, self._float(2**0.5)))
        return self._op("Mul", half, self._op("Add", erf, self._float(1.0)))

    def _pooled(self, hidden: str) -> str:
        mask = self._op("Cast", self._op("Unsqueeze", "attention_mask", self._ints([2])), to=TensorProto.FLOAT)
        total = self._op("ReduceSum", self._op("Mul", hidden, mask), self._ints([1]), keepdims=0)
        count = self._op("Max", self._op("ReduceSum", mask, self._ints([1]), keepdims=0), self._float(1e-9))
        mean = self._op("Div", total, count)
        length = self._op("Max", self._op("ReduceL2", mean, axes=[1], keepdims=1), self._float(1e-12))
        return self._op("Div", mean, length)

    def _linear(self, x: str, name: str) -> str:
        matrix = self._constant(f"{name}.weight.T", self._weights[f"{name}.weight"].T)
        return self._op("Add", self._op("MatMul", x, matrix), self._weight(f"{name}.bias"))

    def _norm(self, x: str, name: str) -> str:
        scale, shift = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._op("LayerNormalization", x, scale, shift, axis=-1, epsilon=_NORM_EPSILON)

    def _op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"{kind}.{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _float(self, value: float) -> str:
        return self._constant(f"float {value}", np.float32(value))

    def _ints(self, values: Sequence[int]) -> str:
        return self._constant(f"ints {values}", np.array(values, np.int64))

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name


if __name__ == "__main__":
    weights_file, graph_file = sys.argv[1:]
    onnx.save(MiniLmGraph(load_file(weights_file)).build(), graph_file)
