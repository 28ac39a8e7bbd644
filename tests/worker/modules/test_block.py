import pytest
import torch

from tests.support.networks import classifier
from worker.measuring.build import build

LINEAR = {"type": "Linear", "out_features": 6}


def test_a_highway_carries_what_its_gate_does_not_take():
    layer = {"type": "Highway", "body": [LINEAR], "gate_bias": -50.0}
    model = build(classifier(layer, shape=[6]), 0)
    x = torch.randn(3, 6)

    carried = model.modules_by_path["model.0"](x)

    assert torch.equal(carried, x)
    assert model.parameters_of("model.0")["gate.bias"].tolist() == [-50.0] * 6


def test_an_open_highway_gives_its_body():
    layer = {"type": "Highway", "body": [LINEAR], "gate_bias": 50.0}
    model = build(classifier(layer, shape=[6]), 0)
    x = torch.randn(3, 6)

    taken = model.modules_by_path["model.0"](x)

    assert torch.allclose(taken, model.modules_by_path["model.0.body.0"](x))


@pytest.mark.parametrize(
    ("merge", "expected"),
    [("add", [3.0, -2.0]), ("mul", [2.0, 0.0]), ("cat", [2.0, -2.0, 1.0, 0.0])],
)
def test_branches_are_merged(merge: str, expected: list[float]):
    branches = [[{"type": "Scale", "value": 2.0}], [{"type": "ReLU"}]]
    layer = {"type": "Parallel", "branches": branches, "merge": merge}
    model = build(classifier(layer, shape=[2]), 0)

    merged = model.modules_by_path["model.0"](torch.tensor([[1.0, -1.0]]))

    assert merged.tolist() == [expected]


def test_images_are_joined_along_their_channels():
    layer = {"type": "Parallel", "branches": [[], [{"type": "ReLU"}]], "merge": "cat"}
    model = build(classifier(layer, shape=[2, 3, 3]), 0)
    x = torch.randn(1, 2, 3, 3)

    joined = model.modules_by_path["model.0"](x)

    assert torch.equal(joined, torch.cat([x, x.relu()], dim=1))


def test_a_learned_scale_starts_at_its_value_and_learns():
    layer = {"type": "Residual", "body": [LINEAR], "scale": 0.0, "learn_scale": True}
    model = build(classifier(layer, shape=[6]), 0)
    x = torch.randn(3, 6)

    model.modules_by_path["model.0"](x).sum().backward()

    scale = model.parameters_of("model.0")["scale"]
    assert scale.item() == 0
    assert scale.grad is not None
    assert scale.grad != 0


def test_positions_are_added():
    layer = {"type": "PositionalEmbedding", "std": 0.0}
    model = build(classifier(layer, shape=[5, 6]), 0)
    x = torch.randn(3, 5, 6)

    assert torch.equal(model.modules_by_path["model.0"](x), x)
