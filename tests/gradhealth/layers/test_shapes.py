"""The shape after each layer, and what each refuses.

That torch gives the same shapes is tested where torch is.
"""

from typing import Any

import numpy as np
import pytest

from gradhealth.architecture.network import resolve
from gradhealth.schemas.entry import LAYERS
from tests.support.networks import inline
from tests.support.specs import problems_in

SEQUENCE, IMAGE, VOLUME = [9, 6], [4, 12, 10], [4, 6, 8, 7]


def layer(kind: str, **keys: Any) -> dict[str, Any]:
    return {"type": kind, **keys}


def document(tested: dict[str, Any], shape: list[int]) -> dict[str, Any]:
    """The layer on an input of the shape, before a read-out of two classes."""
    x, y = inline(np.zeros((4, *shape), np.float32)), inline(np.arange(4) % 2)
    readout = [layer("Flatten"), layer("Linear", out_features=2)]
    data = {"task": "classification", "x": x, "y": y}
    return {"data": data, "model": [tested, *readout]}


def conv(kind: str = "Conv2d", **keys: Any) -> dict[str, Any]:
    return layer(kind, out_channels=8, kernel_size=3, **keys)


AFTER = [
    (layer("Linear", out_features=3), [5], [3]),
    (layer("Linear", out_features=3), SEQUENCE, [9, 3]),
    (layer("Linear", out_features=3), IMAGE, [4, 12, 3]),
    (layer("Flatten"), IMAGE, [480]),
    (layer("Flatten", start_dim=2), IMAGE, [4, 120]),
    (layer("Flatten", start_dim=1, end_dim=2), IMAGE, [48, 10]),
    (layer("Flatten", start_dim=-2), IMAGE, [4, 120]),
    (conv("Conv1d"), SEQUENCE, [7, 8]),
    (conv("Conv1d", padding=1), SEQUENCE, [9, 8]),
    (conv("Conv1d", stride=2, dilation=2), SEQUENCE, [3, 8]),
    (conv(), IMAGE, [8, 10, 8]),
    (conv(padding="same"), IMAGE, [8, 12, 10]),
    (conv(padding="valid"), IMAGE, [8, 10, 8]),
    (conv(stride=[2, 3], padding=[1, 0]), IMAGE, [8, 6, 3]),
    (conv(groups=4), IMAGE, [8, 10, 8]),
    (conv("Conv3d", padding=1, stride=2), VOLUME, [8, 3, 4, 4]),
    (conv("ConvTranspose2d"), IMAGE, [8, 14, 12]),
    (
        conv("ConvTranspose2d", stride=2, padding=1, output_padding=1),
        IMAGE,
        [8, 24, 20],
    ),
    (layer("MaxPool1d", kernel_size=2), SEQUENCE, [4, 6]),
    (layer("MaxPool1d", kernel_size=2, ceil_mode=True), SEQUENCE, [5, 6]),
    (layer("MaxPool2d", kernel_size=3, stride=1, padding=1), IMAGE, [4, 12, 10]),
    (layer("MaxPool2d", kernel_size=2, dilation=3), IMAGE, [4, 5, 4]),
    (layer("AvgPool1d", kernel_size=3), SEQUENCE, [3, 6]),
    (layer("AvgPool2d", kernel_size=[2, 5]), IMAGE, [4, 6, 2]),
    (layer("AdaptiveAvgPool1d", output_size=4), SEQUENCE, [4, 6]),
    (layer("AdaptiveAvgPool2d", output_size=1), IMAGE, [4, 1, 1]),
    (layer("AdaptiveAvgPool2d", output_size=[None, 3]), IMAGE, [4, 12, 3]),
    (layer("MeanPool"), SEQUENCE, [6]),
    (layer("BatchNorm1d"), [5], [5]),
    (layer("BatchNorm1d"), SEQUENCE, SEQUENCE),
    (layer("BatchNorm2d"), IMAGE, IMAGE),
    (layer("BatchNorm3d"), VOLUME, VOLUME),
    (layer("InstanceNorm1d"), SEQUENCE, SEQUENCE),
    (layer("InstanceNorm2d"), IMAGE, IMAGE),
    (layer("LayerNorm"), IMAGE, IMAGE),
    (layer("LayerNorm", normalized_shape=[12, 10]), IMAGE, IMAGE),
    (layer("RMSNorm", normalized_shape=6), SEQUENCE, SEQUENCE),
    (layer("GroupNorm", num_groups=3), SEQUENCE, SEQUENCE),
    (layer("GroupNorm", num_groups=2), IMAGE, IMAGE),
    (layer("RNN", hidden_size=3), SEQUENCE, [9, 3]),
    (layer("LSTM", hidden_size=5, proj_size=2), SEQUENCE, [9, 2]),
    (layer("GRU", hidden_size=3, bidirectional=True), SEQUENCE, [9, 6]),
    (layer("GRU", hidden_size=3, **{"return": "last"}), SEQUENCE, [3]),
    (layer("SelfAttention", num_heads=3), SEQUENCE, SEQUENCE),
    (layer("TransformerEncoderLayer", nhead=2), SEQUENCE, SEQUENCE),
    (layer("PositionalEmbedding"), SEQUENCE, SEQUENCE),
    (layer("PReLU", num_parameters=4), IMAGE, IMAGE),
    (layer("Softmax", dim=1), SEQUENCE, SEQUENCE),
    (layer("Scale", value=2.0), IMAGE, IMAGE),
    (layer("Residual", body=[conv(stride=2, padding=1)]), IMAGE, [8, 6, 5]),
    (layer("Highway", body=[layer("Tanh")]), SEQUENCE, SEQUENCE),
    (
        layer("Parallel", branches=[[], [layer("Tanh")]], merge="cat"),
        IMAGE,
        [8, 12, 10],
    ),
    (layer("Parallel", branches=[[], [layer("Tanh")]], merge="cat"), SEQUENCE, [9, 12]),
    (layer("Parallel", branches=[[], [layer("Tanh")]], merge="mul"), [5], [5]),
]


@pytest.mark.parametrize(("tested", "before", "after"), AFTER)
def test_a_layer_gives_this_shape(tested, before, after):
    first = resolve(document(tested, before)).nodes[0]

    assert list(first.output.dims) == after


def test_an_embedding_turns_tokens_into_features():
    tokens = {"input": {"tokens": 5, "vocab_size": 7}}
    model = [layer("Embedding", embedding_dim=3), layer("Linear", out_features=7)]

    first = resolve({**tokens, "model": model}).nodes[0]

    assert (first.output.dims, first.output.is_tokens) == ((5, 3), False)
    assert dict(first.parameters) == {"weight": (7, 3)}


REFUSED = [
    (layer("Flatten", start_dim=0), IMAGE, "", "axes count from 1"),
    (layer("Flatten", start_dim=3, end_dim=1), IMAGE, "", "cannot join"),
    (conv("Conv1d"), [5], "", "[length, features]"),
    (conv(), SEQUENCE, "", "[channels, height, width]"),
    (conv("Conv3d"), IMAGE, "", "[channels, depth, height, width]"),
    (conv(in_channels=3), IMAGE, "/in_channels", "write 4 or leave"),
    (conv(groups=3), IMAGE, "/groups", "must divide the 4 input"),
    (conv(stride=2, padding="same"), IMAGE, "/padding", "needs stride 1"),
    (conv(stride=[1, 2, 3]), IMAGE, "/stride", "2 axes"),
    (conv(dilation=9), IMAGE, "/kernel_size", "does not fit"),
    (conv("ConvTranspose2d", output_padding=1), IMAGE, "/output_padding", "smaller"),
    (conv("ConvTranspose2d", padding=9), IMAGE, "/padding", "nothing is left"),
    (conv("ConvTranspose2d", groups=3), IMAGE, "/groups", "must divide"),
    (layer("MaxPool1d", kernel_size=10), SEQUENCE, "/kernel_size", "does not fit"),
    (layer("MaxPool2d", kernel_size=2, padding=2), IMAGE, "/padding", "at most half"),
    (layer("MeanPool"), IMAGE, "", "[length, features]"),
    (layer("BatchNorm2d"), SEQUENCE, "", "[channels, height, width]"),
    (layer("BatchNorm1d", num_features=5), SEQUENCE, "/num_features", "write 6"),
    (layer("InstanceNorm1d"), [1, 6], "", "always 0"),
    (layer("InstanceNorm2d"), [4, 1, 1], "", "always 0"),
    (layer("LayerNorm", normalized_shape=5), SEQUENCE, "/normalized_shape", "write 6"),
    (layer("GroupNorm", num_groups=4), SEQUENCE, "/num_groups", "must divide the 6"),
    (layer("GroupNorm", num_groups=3, num_channels=5), SEQUENCE, "/num_channels", "6"),
    (layer("LSTM", hidden_size=3), [5], "", "[length, features]"),
    (layer("LSTM", hidden_size=3, input_size=5), SEQUENCE, "/input_size", "write 6"),
    (layer("LSTM", hidden_size=3, proj_size=3), SEQUENCE, "/proj_size", "smaller"),
    (layer("SelfAttention", num_heads=4), SEQUENCE, "/num_heads", "must divide the 6"),
    (layer("TransformerEncoderLayer", nhead=5), SEQUENCE, "/nhead", "must divide"),
    (layer("PReLU", num_parameters=5), SEQUENCE, "/num_parameters", "must be 1 or 6"),
    (layer("Hardtanh", min_val=2.0), SEQUENCE, "/max_val", "larger than min_val"),
    (layer("Softmax", dim=0), SEQUENCE, "/dim", "0 is the batch"),
    (layer("Softmax", dim=3), SEQUENCE, "/dim", "not an axis"),
    (layer("Highway", body=[layer("MeanPool")]), SEQUENCE, "", "must keep the shape"),
    (layer("Residual", body=[layer("MeanPool")]), SEQUENCE, "", "no shortcut follows"),
    (
        layer("Residual", body=[layer("AdaptiveAvgPool1d", output_size=6)]),
        [10, 6],
        "",
        "no stride leads there",
    ),
    (
        layer("Parallel", branches=[[], [layer("MeanPool")]]),
        SEQUENCE,
        "",
        "needs equal shapes",
    ),
    (
        layer("Parallel", branches=[[], [conv("Conv1d")]], merge="cat"),
        SEQUENCE,
        "",
        "needs equal shapes",
    ),
    (layer("Parallel", branches=[]), SEQUENCE, "/branches", "at least 1 item"),
]


@pytest.mark.parametrize(("tested", "shape", "key", "message"), REFUSED)
def test_what_does_not_fit_is_refused(tested, shape, key, message):
    problem = problems_in(document(tested, shape))[0]

    assert problem.pointer == f"/model/0{key}"
    assert message in problem.message


TAKES_TOKENS = {"Embedding", "Identity", "Flatten"}


@pytest.mark.parametrize("kind", sorted(LAYERS.keys() - TAKES_TOKENS))
def test_tokens_are_refused_before_an_embedding(kind):
    fields = LAYERS[kind].model_fields.items()
    needed = [field.alias or name for name, field in fields if field.is_required()]
    inside = [layer("ReLU")]
    given = {"body": inside, "branches": [inside]}
    tested = layer(kind, **{key: given.get(key, 1) for key in needed})
    tokens = {"tokens": 5, "vocab_size": 7}

    problems = problems_in({"input": tokens, "model": [tested]})

    assert "put an Embedding before it" in problems[0].message


PARAMETERS = [
    (layer("Linear", out_features=3, bias=False), [5], {"weight": (3, 5)}),
    (
        conv(groups=2),
        IMAGE,
        {"weight": (8, 2, 3, 3), "bias": (8,)},
    ),
    (
        conv("ConvTranspose2d", groups=2),
        IMAGE,
        {"weight": (4, 4, 3, 3), "bias": (8,)},
    ),
    (
        layer("LSTM", hidden_size=3, proj_size=2, num_layers=2, bias=False),
        SEQUENCE,
        {
            "weight_ih_l0": (12, 6),
            "weight_hh_l0": (12, 2),
            "weight_hr_l0": (2, 3),
            "weight_ih_l1": (12, 2),
            "weight_hh_l1": (12, 2),
            "weight_hr_l1": (2, 3),
        },
    ),
    (
        layer("RNN", hidden_size=3, bidirectional=True),
        SEQUENCE,
        {
            "weight_ih_l0": (3, 6),
            "weight_hh_l0": (3, 3),
            "bias_ih_l0": (3,),
            "bias_hh_l0": (3,),
            "weight_ih_l0_reverse": (3, 6),
            "weight_hh_l0_reverse": (3, 3),
            "bias_ih_l0_reverse": (3,),
            "bias_hh_l0_reverse": (3,),
        },
    ),
    (
        layer("Highway", body=[layer("Tanh")]),
        [5],
        {"gate.weight": (5, 5), "gate.bias": (5,)},
    ),
    (layer("Residual", body=[layer("Tanh")], learn_scale=True), [5], {"scale": ()}),
    (layer("BatchNorm1d", affine=False), [5], {}),
    (layer("LayerNorm", bias=False), IMAGE, {"weight": (4, 12, 10)}),
    (layer("RMSNorm"), SEQUENCE, {"weight": (6,)}),
    (layer("PositionalEmbedding"), SEQUENCE, {"weight": (9, 6)}),
]


@pytest.mark.parametrize(("tested", "shape", "expected"), PARAMETERS)
def test_parameters_have_torch_s_names_and_shapes(tested, shape, expected):
    first = resolve(document(tested, shape)).nodes[0]

    assert dict(first.parameters) == expected
