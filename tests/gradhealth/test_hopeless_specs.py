"""Specs that would only fail, or never end, once a model is built from them."""

from typing import Any

import pytest

from gradhealth.architecture.network import resolve
from gradhealth.exceptions import InvalidDocumentError

LINEAR = {"type": "Linear", "out_features": 4}
CONV = {"type": "Conv1d", "out_channels": 4, "kernel_size": 3}


def spec(*layers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": [*layers, {"type": "Flatten"}, LINEAR], **fields}


def images(**fields: Any) -> dict[str, Any]:
    return {"task": "images", **fields}


HOPELESS = [
    pytest.param(
        {"input": {"shape": [4]}, "model": [{"type": "ReLU"}]},
        "/model",
        "no layer here learns anything",
        id="nothing to learn",
    ),
    pytest.param(
        spec(data=images(size=512, channels=3)),
        "/data",
        "write a smaller n",
        id="too much data",
    ),
    pytest.param(
        spec(data={"task": "clusters", "classes": 4, "blobs": 1000, "features": 10**6}),
        "/data",
        "write a smaller n",
        id="too many centres",
    ),
    pytest.param(
        spec(data={"task": "reconstruction", "features": 4, "latent": 2**30}),
        "/data",
        "write a smaller n",
        id="too many latents",
    ),
    pytest.param(
        {
            "input": {"tokens": 16, "vocab_size": 50_257},
            "model": [
                {"type": "Embedding", "embedding_dim": 8},
                {"type": "Linear", "out_features": 50_257},
            ],
        },
        "/input/vocab_size",
        "2 to 4,096 different tokens",
        id="a large vocabulary without data",
    ),
    pytest.param(
        spec(CONV | {"padding": 5, "padding_mode": "reflect"}, input={"shape": [5, 4]}),
        "/model/0/padding",
        "at most 4",
        id="a reflection of more than there is",
    ),
    pytest.param(
        spec(
            CONV | {"dilation": 6, "padding": "same", "padding_mode": "circular"},
            input={"shape": [5, 4]},
        ),
        "/model/0/padding",
        "at most 5",
        id="more than once around",
    ),
    pytest.param(
        spec({"type": "BatchNorm1d", "eps": 0.0}, input={"shape": [4]}),
        "/model/0/eps",
        "greater than 0",
        id="a division by 0",
    ),
    pytest.param(
        spec(input={"shape": [4]}, init=[{"match": "Linear.weight", "value": 1e300}]),
        "/init/0/value",
        "less than or equal to",
        id="a weight beyond float32",
    ),
    pytest.param(
        spec(
            input={"shape": [4]},
            init=[{"match": "*.weight", "fn": "xavier_normal_", "gain": -1.0}],
        ),
        "/init/0/gain",
        "greater than or equal to 0",
        id="a negative gain",
    ),
    pytest.param(
        spec(
            {"type": "Scale", "learn": True},
            input={"shape": [4]},
            init=[{"match": "Scale.*", "fn": "dirac_"}],
        ),
        "/init/0",
        "narrow the match",
        id="a function for a convolution on a number",
    ),
]


@pytest.mark.parametrize(("document", "pointer", "message"), HOPELESS)
def test_is_refused_with_its_place_and_what_to_do(
    document: dict[str, Any], pointer: str, message: str
):
    with pytest.raises(InvalidDocumentError) as caught:
        resolve(document)

    (problem,) = caught.value.problems
    assert problem.pointer == pointer
    assert message in problem.message


@pytest.mark.parametrize(
    "layer",
    [
        CONV | {"padding": 4, "padding_mode": "reflect"},
        CONV | {"padding": 5, "padding_mode": "circular"},
        CONV | {"padding": 9, "padding_mode": "replicate"},
        CONV | {"padding": "same", "padding_mode": "reflect", "dilation": 4},
    ],
)
def test_paddings_that_torch_can_do_pass(layer: dict[str, Any]):
    resolve(spec(layer, input={"shape": [5, 4]}))
