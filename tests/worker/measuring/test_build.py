from typing import Any

import pytest
import torch

from gradhealth.architecture.network import Network
from gradhealth.exceptions import InvalidDocumentError
from gradhealth.schemas.entry import LAYERS
from tests.support.networks import classifier, language_model
from worker.measuring.build import Model, build

SHAPES = ([6], [5, 6], [4, 6, 6], [4, 3, 6, 6])
LINEAR = {"type": "Linear", "out_features": 6}
CHILDREN: dict[str, Any] = {"body": [LINEAR], "branches": [[LINEAR], [LINEAR]]}


def smallest(kind: str) -> dict[str, Any]:
    """The layer with a 2 for each size that it needs."""
    fields = LAYERS[kind].model_fields.items()
    needed = [field.alias or name for name, field in fields if field.is_required()]
    return {"type": kind} | {key: CHILDREN.get(key, 2) for key in needed}


def fitting(kind: str) -> list[Network]:
    """The layer before a read-out, for every shape of input that it takes."""
    networks = []
    for shape in SHAPES:
        try:
            networks.append(classifier(smallest(kind), shape=shape))
        except InvalidDocumentError:
            continue
    return networks


def batch_of(network: Network) -> torch.Tensor:
    shape = (3, *network.input.dims)
    if network.input.vocab_size is not None:
        return torch.randint(network.input.vocab_size, shape)
    return torch.randn(shape)


def outputs_by_path(model: Model, x: torch.Tensor) -> dict[str, torch.Tensor]:
    seen: dict[str, torch.Tensor] = {}
    for path, module in model.modules_by_path.items():
        module.register_forward_hook(
            lambda _module, _inputs, output, path=path: seen.update({path: output})
        )
    model(x)
    return seen


def assert_built_as_predicted(network: Network) -> None:
    model = build(network, 0)
    outputs = outputs_by_path(model, batch_of(network))
    num_named = 0
    for node in network.walk():
        parameters = model.parameters_of(node.path)
        num_named += len(parameters)
        shapes = {name: tuple(value.shape) for name, value in parameters.items()}
        assert shapes == dict(node.parameters), node.path
        assert tuple(outputs[node.path].shape) == (3, *node.output.dims), node.path
    assert num_named == len(list(model.parameters()))


# An embedding takes tokens: the language models below have one.
@pytest.mark.parametrize("kind", sorted(LAYERS.keys() - {"Embedding"}))
def test_torch_agrees_with_the_predicted_shapes_and_parameters(kind: str):
    networks = fitting(kind)

    assert networks
    for network in networks:
        assert_built_as_predicted(network)


@pytest.mark.parametrize("kind", sorted(LAYERS.keys() - {"Embedding"}))
def test_gradients_reach_every_parameter(kind: str):
    for network in fitting(kind):
        model = build(network, 0)

        model(batch_of(network)).square().sum().backward()

        assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize(
    "layer",
    [
        {"type": "Conv1d", "out_channels": 4, "kernel_size": [3], "padding": "same"},
        {"type": "Conv1d", "out_channels": 4, "kernel_size": 3, "stride": 2},
        {"type": "Conv1d", "out_channels": 6, "kernel_size": 1, "groups": 2},
        {"type": "MaxPool1d", "kernel_size": 2, "dilation": 2, "ceil_mode": True},
        {"type": "AvgPool1d", "kernel_size": 2, "padding": 1},
        {"type": "AdaptiveAvgPool1d", "output_size": 3},
        {"type": "PReLU", "num_parameters": 6},
        {"type": "LayerNorm", "normalized_shape": [5, 6]},
        {"type": "LayerNorm", "bias": False},
        {"type": "RMSNorm", "elementwise_affine": False},
        {"type": "BatchNorm1d", "affine": False, "momentum": None},
        {"type": "Softmax", "dim": 1},
        {"type": "Flatten", "start_dim": 1, "end_dim": 2},
        {"type": "RNN", "hidden_size": 3, "nonlinearity": "relu", "bias": False},
        {"type": "LSTM", "hidden_size": 3, "num_layers": 2, "bidirectional": True},
        pytest.param(
            {"type": "LSTM", "hidden_size": 3, "proj_size": 2, "return": "last"},
            marks=pytest.mark.filterwarnings("ignore:LSTM with projections"),
        ),
        {"type": "GRU", "hidden_size": 3, "num_layers": 2, "dropout": 0.5},
        {"type": "GRU", "hidden_size": 3, "dropout": 0.5, "return": "last"},
        {"type": "SelfAttention", "num_heads": 3, "causal": True, "qk_scale": 0},
        {"type": "TransformerEncoderLayer", "nhead": 2, "causal": True, "bias": False},
        {"type": "TransformerEncoderLayer", "nhead": 2, "norm_first": True},
        {"type": "Scale", "value": 0.5, "learn": True},
        {"type": "Residual", "body": [{"type": "Linear", "out_features": 4}]},
        {"type": "Residual", "body": [LINEAR], "learn_scale": True, "post": [LINEAR]},
        {"type": "Residual", "body": [LINEAR], "shortcut": [LINEAR]},
        {"type": "Residual", "body": [{"type": "AvgPool1d", "kernel_size": 3}]},
        {"type": "Parallel", "branches": [[LINEAR], []], "merge": "cat"},
        {"type": "Parallel", "branches": [[LINEAR], []], "merge": "mul"},
    ],
)
def test_options_on_sequences_agree_with_torch(layer: dict[str, Any]):
    assert_built_as_predicted(classifier(layer, shape=[5, 6]))


@pytest.mark.parametrize(
    "layer",
    [
        {"type": "Conv2d", "out_channels": 4, "kernel_size": [3, 1], "padding": [1, 0]},
        {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "dilation": 2},
        {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 2}
        | {"padding_mode": "reflect"},
        {"type": "ConvTranspose2d", "out_channels": 2, "kernel_size": 3, "stride": 2}
        | {"output_padding": 1, "groups": 2},
        {"type": "MaxPool2d", "kernel_size": [3, 2], "stride": [2, 1], "padding": 1},
        {"type": "AvgPool2d", "kernel_size": 4, "stride": 3, "ceil_mode": True},
        {"type": "AdaptiveAvgPool2d", "output_size": [None, 2]},
        {"type": "GroupNorm", "num_groups": 2, "affine": False},
        {"type": "InstanceNorm2d", "affine": True},
        {"type": "LayerNorm"},
        {"type": "Flatten", "start_dim": 2},
        {
            "type": "Residual",
            "body": [
                {"type": "Conv2d", "out_channels": 8}
                | {"kernel_size": 3, "stride": 2, "padding": 1}
            ],
        },
        {"type": "Parallel", "merge": "cat", "branches": [[], [{"type": "ReLU"}]]},
    ],
)
def test_options_on_images_agree_with_torch(layer: dict[str, Any]):
    assert_built_as_predicted(classifier(layer, shape=[4, 7, 9]))


def test_blocks_nest_and_repeat():
    inner = {"type": "Highway", "body": [LINEAR, {"type": "Tanh"}]}
    block = {"type": "Residual", "body": [inner, {"repeat": 2, "body": [inner]}]}
    define = {"twice": {"body": [block, block]}}

    network = classifier({"ref": "twice"}, shape=[6], define=define)

    assert_built_as_predicted(network)


def test_a_language_model_is_built():
    attention = {"type": "SelfAttention", "num_heads": 2, "causal": True}
    block = {"type": "Residual", "body": [{"type": "LayerNorm"}, attention]}

    network = language_model({"type": "PositionalEmbedding"}, block)

    assert_built_as_predicted(network)


def test_hooks_see_what_leaves_a_block_and_what_leaves_its_layers():
    relu = {"type": "ReLU", "inplace": True}
    block = {"type": "Residual", "body": [LINEAR, relu], "scale": 0.5}
    network = classifier(block, shape=[6])
    x = torch.randn(3, 6)

    seen = outputs_by_path(build(network, 0), x)

    assert torch.equal(seen["model.0.body.1"], seen["model.0.body.0"].relu())
    assert (seen["model.0.body.0"] < 0).any()  # not overwritten in place
    assert torch.allclose(seen["model.0"], x + 0.5 * seen["model.0.body.1"])


def test_an_automatic_shortcut_and_what_follows_have_paths():
    body = [{"type": "Linear", "out_features": 4}]
    block = {"type": "Residual", "body": body, "post": [{"type": "ReLU"}]}

    model = build(classifier(block, shape=[6]), 0)

    assert model.parameters_of("model.0.shortcut.0")["weight"].shape == (4, 6)
    assert model.parameters_of("model.0") == {}
    assert "model.0.post.0" in model.modules_by_path


def test_same_seed_same_weights_and_another_seed_others():
    network = classifier(LINEAR, shape=[6])

    first, again, other = (build(network, seed).state_dict() for seed in (1, 1, 2))

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["layers.0.weight"], other["layers.0.weight"])


def test_weights_are_those_of_plain_torch_at_the_same_seed():
    torch.manual_seed(3)
    plain = torch.nn.Linear(6, 6)

    model = build(classifier(LINEAR, shape=[6]), 3)

    assert torch.equal(model.parameters_of("model.0")["weight"], plain.weight)


def test_the_model_runs_in_double_precision():
    attention = {"type": "SelfAttention", "num_heads": 2, "causal": True}
    encoder = {"type": "TransformerEncoderLayer", "nhead": 2, "causal": True}
    lstm = {"type": "LSTM", "hidden_size": 4, "return": "last"}
    network = classifier(attention, encoder, lstm, shape=[5, 6])

    output = build(network, 0).double()(torch.randn(3, 5, 6, dtype=torch.float64))

    assert output.dtype == torch.float64
