import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradhealth.architecture.network import Network
from gradhealth.schemas.training import INIT_FUNCTIONS
from tests.support.networks import classifier, language_model
from worker.measuring.build import Model, build
from worker.measuring.init import initialise

WIDE = {"type": "Linear", "out_features": 256}
NEEDED = {"val": 0.5, "sparsity": 0.25}


def initialised(network: Network, seed: int = 0, x: Tensor | None = None) -> Model:
    model = build(network, seed)
    batch = torch.randn(64, *network.input.dims) if x is None else x
    initialise(model, network, batch, seed)
    return model


def first(model: Model, name: str = "weight") -> Tensor:
    return model.parameters_of("model.0")[name].detach()


def wide(rule: dict[str, Any], *more: dict[str, Any]) -> Model:
    return initialised(classifier(WIDE, shape=[128], init=[rule, *more]))


def test_without_rules_torchs_default_stays():
    network = classifier(WIDE, shape=[128])

    before, after = build(network, 0), initialised(network)

    assert torch.equal(first(before), first(after))


@pytest.mark.parametrize("fn", sorted(INIT_FUNCTIONS.keys() - {"dirac_"}))
def test_every_function_fills_the_weight_and_nothing_else(fn: str):
    arguments = {key: NEEDED[key] for key in INIT_FUNCTIONS[fn] if key in NEEDED}
    network = classifier(
        WIDE, shape=[128], init=[{"match": "model.0.weight", "fn": fn, **arguments}]
    )
    before = build(network, 0)

    after = initialised(network)

    assert not torch.equal(first(before), first(after))
    assert torch.equal(first(before, "bias"), first(after, "bias"))
    assert first(after).isfinite().all()


def test_dirac_keeps_what_enters_a_convolution():
    conv = {"type": "Conv2d", "out_channels": 3, "kernel_size": 3, "padding": 1}
    rules = [
        {"match": "Conv2d.weight", "fn": "dirac_"},
        {"match": "Conv2d.bias", "value": 0.0},
    ]
    model = initialised(classifier(conv, shape=[3, 5, 5], init=rules))
    x = torch.randn(2, 3, 5, 5)

    assert torch.equal(model.modules_by_path["model.0"](x), x)


@pytest.mark.parametrize(
    ("rule", "std"),
    [
        ({"fn": "xavier_normal_"}, math.sqrt(2 / (128 + 256))),
        ({"fn": "xavier_uniform_", "gain": 3.0}, 3 * math.sqrt(2 / (128 + 256))),
        ({"fn": "kaiming_normal_", "nonlinearity": "relu"}, math.sqrt(2 / 128)),
        ({"fn": "kaiming_uniform_", "mode": "fan_out", "a": 1.0}, math.sqrt(1 / 256)),
        ({"fn": "normal_", "std": 0.3, "gain": 2.0}, 0.6),
        ({"fn": "lecun_normal_"}, math.sqrt(1 / 128)),
        ({"fn": "lecun_normal_", "gain": 0.5}, 0.5 * math.sqrt(1 / 128)),
        ({"fn": "uniform_", "a": -3.0, "b": 3.0}, math.sqrt(3)),
    ],
)
def test_weights_have_the_standard_deviation_of_their_rule(
    rule: dict[str, Any], std: float
):
    weight = first(wide({"match": "Linear.weight"} | rule))

    assert weight.std().item() == pytest.approx(std, rel=0.02)


def test_lecun_normal_counts_the_window_of_a_grouped_convolution():
    conv = {"type": "Conv2d", "out_channels": 128, "kernel_size": 3, "groups": 2}
    rule = {"match": "Conv2d.weight", "fn": "lecun_normal_"}

    weight = first(initialised(classifier(conv, shape=[32, 4, 4], init=[rule])))

    assert weight.std().item() == pytest.approx(1 / math.sqrt(16 * 9), rel=0.03)


def test_later_rules_overwrite_earlier_ones():
    model = wide(
        {"match": "Linear.*", "value": 1.0}, {"match": "*.bias", "fn": "zeros_"}
    )

    assert (first(model) == 1).all()
    assert (first(model, "bias") == 0).all()


def test_a_rule_may_name_a_path():
    network = classifier(
        {"repeat": 2, "body": [WIDE]},
        shape=[128],
        init=[{"match": "model.0.1.*", "value": 2.0}],
    )

    model = initialised(network)

    assert (model.parameters_of("model.0.1.body.0")["weight"] == 2).all()
    assert (model.parameters_of("model.0.0.body.0")["weight"] != 2).all()


def test_same_seed_same_weights_and_another_seed_others():
    network = classifier(
        WIDE,
        shape=[128],
        init=[{"match": "*.weight", "fn": "sparse_", "sparsity": 0.1}],
    )

    one, again, other = (first(initialised(network, seed)) for seed in (1, 1, 2))

    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_rules_do_not_move_torchs_own_random_numbers():
    network = classifier(
        WIDE, shape=[128], init=[{"match": "*.weight", "fn": "orthogonal_"}]
    )
    build(network, 0)
    expected = torch.rand(3)

    initialised(network, 0, torch.zeros(2, 128))

    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("kind", "num_gates"), [("RNN", 1), ("LSTM", 4), ("GRU", 3)])
def test_each_gate_of_a_recurrent_weight_is_filled_by_itself(kind: str, num_gates: int):
    layer = {"type": kind, "hidden_size": 8, "num_layers": 2, "bidirectional": True}
    rules = [
        {"match": f"{kind}.weight_hh_*", "fn": "orthogonal_", "gain": 2.0},
        {"match": f"{kind}.weight_ih_l1", "fn": "eye_"},
    ]

    model = initialised(classifier(layer, shape=[5, 3], init=rules))

    for name in ("weight_hh_l0", "weight_hh_l1_reverse"):
        for gate in first(model, name).chunk(num_gates):
            assert torch.allclose(gate @ gate.T, 4 * torch.eye(8), atol=1e-4)
    for gate in first(model, "weight_ih_l1").chunk(num_gates):
        assert torch.equal(gate, torch.eye(8, 16))


@pytest.mark.parametrize(
    ("kind", "match", "num_gates"),
    [("LSTM", "LSTM.forget_bias", 4), ("GRU", "model.0.update_bias", 3)],
)
def test_a_gates_bias_is_set_in_every_layer_and_direction(
    kind: str, match: str, num_gates: int
):
    layer = {"type": kind, "hidden_size": 8, "num_layers": 2, "bidirectional": True}
    network = classifier(layer, shape=[5, 3], init=[{"match": match, "value": 3.0}])
    before = build(network, 0)

    after = initialised(network)

    for tail in ("l0", "l0_reverse", "l1", "l1_reverse"):
        for name, expected in ((f"bias_ih_{tail}", 3.0), (f"bias_hh_{tail}", 0.0)):
            gates = first(after, name).chunk(num_gates)
            untouched = first(before, name).chunk(num_gates)
            assert (gates[1] == expected).all()
            assert torch.equal(gates[0], untouched[0])
            assert torch.equal(gates[-1], untouched[-1])


def test_a_gates_bias_and_rules_for_all_biases_follow_the_order():
    layer = {"type": "LSTM", "hidden_size": 2}
    forget = {"match": "LSTM.forget_bias", "value": 1.0}
    zeros = {"match": "LSTM.bias*", "fn": "zeros_"}

    later = initialised(classifier(layer, shape=[5, 3], init=[zeros, forget]))
    earlier = initialised(classifier(layer, shape=[5, 3], init=[forget, zeros]))

    assert first(later, "bias_ih_l0").tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert not first(earlier, "bias_ih_l0").any()


def test_a_long_memory_follows_from_the_forget_bias():
    layer = {"type": "LSTM", "hidden_size": 16, "return": "last"}
    gradients = []
    for value in (0.0, 5.0):
        rule = {"match": "LSTM.forget_bias", "value": value}
        model = initialised(classifier(layer, shape=[40, 3], init=[rule]))
        x = torch.randn(4, 40, 3, requires_grad=True)
        model(x).sum().backward()
        assert x.grad is not None
        gradients.append((x.grad[:, 0].norm() / x.grad[:, -1].norm()).item())

    assert gradients[0] < 1e-6
    assert gradients[1] > 1e-2


def test_an_automatic_shortcut_starts_with_lecun_normal_and_follows_rules():
    block = {"type": "Residual", "body": [WIDE]}
    rule = {"match": "*.shortcut.*", "value": 0.5}

    default = initialised(classifier(block, shape=[128]))
    ruled = initialised(classifier(block, shape=[128], init=[rule]))

    path = "model.0.shortcut.0"
    weight = default.parameters_of(path)["weight"]
    assert weight.std().item() == pytest.approx(1 / math.sqrt(128), rel=0.02)
    assert (ruled.parameters_of(path)["weight"] == 0.5).all()


def deep(init: list[dict[str, Any]]) -> tuple[Network, Tensor]:
    pair = [{"type": "Linear", "out_features": 64}, {"type": "Tanh"}]
    network = classifier({"repeat": 5, "body": pair}, shape=[32], init=init)
    return network, 20 * torch.randn(128, 32, generator=torch.manual_seed(0)) + 3


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_lsuv_gives_each_layers_output_the_asked_variance(gain: float):
    network, x = deep([{"match": "Linear.weight", "fn": "lsuv_", "gain": gain}])
    model = initialised(network, 0, x)

    for path, module in model.modules_by_path.items():
        x = module(x)
        if isinstance(module, nn.Linear):
            assert x.var().item() == pytest.approx(gain**2, rel=0.02), path


def test_lsuv_leaves_convolutions_with_unit_variance():
    conv = {"type": "Conv1d", "out_channels": 8, "kernel_size": 3}
    rule = {"match": "Conv1d.weight", "fn": "lsuv_"}
    network = classifier(conv, {"type": "ReLU"}, conv, shape=[12, 4], init=[rule])
    x = 0.01 * torch.randn(64, 12, 4)

    model = initialised(network, 0, x)

    for path in ("model.0", "model.1", "model.2"):
        x = model.modules_by_path[path](x)
    assert x.var().item() == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("x", [0.0, math.nan])
def test_lsuv_leaves_a_batch_without_variance_alone(x: float):
    zeros = {"match": "Linear.bias", "fn": "zeros_"}
    network, _ = deep([zeros, {"match": "Linear.weight", "fn": "lsuv_"}])

    model = initialised(network, 0, torch.full((8, 32), x))

    weight = model.parameters_of("model.0.0.body.0")["weight"].detach()
    assert torch.allclose(weight.T @ weight, torch.eye(32), atol=1e-5)


def test_attention_and_positions_follow_rules():
    network = language_model(
        {"type": "PositionalEmbedding"},
        {"type": "SelfAttention", "num_heads": 2},
        init=[
            {"match": "PositionalEmbedding.weight", "value": 1.0},
            {"match": "SelfAttention.*bias", "value": 2.0},
            {"match": "SelfAttention.out_proj.weight", "value": 3.0},
        ],
    )

    model = initialised(network, 0, torch.zeros(2, 6, dtype=torch.int64))

    attention = model.parameters_of("model.2")
    assert (model.parameters_of("model.1")["weight"] == 1).all()
    assert (attention["in_proj_bias"] == 2).all()
    assert (attention["out_proj.bias"] == 2).all()
    assert (attention["out_proj.weight"] == 3).all()
