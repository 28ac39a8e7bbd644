"""Small networks for tests of the worker."""

import base64
import io
from typing import Any

import numpy as np

from gradhealth.architecture.network import Network, resolve


def inline(values: Any) -> dict[str, str]:
    """An array as it stands in a document."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values), allow_pickle=False)
    return {"npy": base64.b64encode(buffer.getvalue()).decode()}


def classifier(*layers: dict[str, Any], shape: list[int], **spec: Any) -> Network:
    """The layers with a read-out of two classes, on a sample of ten of the shape."""
    x = np.random.default_rng(0).standard_normal((10, *shape))
    y = np.arange(10) % 2
    readout = [{"type": "Flatten"}, {"type": "Linear", "out_features": 2}]
    data = {"task": "classification", "x": inline(x), "y": inline(y)}
    return resolve({"data": data, "model": [*layers, *readout], **spec})


def language_model(*layers: dict[str, Any], **spec: Any) -> Network:
    """The layers between an embedding of 8 and a read-out, on 6 tokens of 5."""
    embedding = {"type": "Embedding", "embedding_dim": 8}
    readout = {"type": "Linear", "out_features": 5}
    tokens = {"tokens": 6, "vocab_size": 5}
    return resolve({"input": tokens, "model": [embedding, *layers, readout], **spec})
