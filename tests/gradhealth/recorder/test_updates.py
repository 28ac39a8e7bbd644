import pytest
import torch
from torch import nn

from gradhealth.recorder.updates import UpdateMeter


def measured(*shapes, change=0.01, dtype=torch.float32):
    """Estimated and true norms of a random change of matrices."""
    torch.manual_seed(0)
    matrices = [nn.Parameter(torch.randn(shape).to(dtype)) for shape in shapes]
    meter = UpdateMeter(range(len(shapes)), matrices)
    weights = meter.before()
    true = []
    for matrix in matrices:
        step = (change * torch.randn(matrix.shape)).to(dtype)
        before = matrix.detach().clone()
        matrix.data += step
        true.append((matrix.detach() - before).float().norm().item())
    return by_layer(meter.after()), true, by_layer(weights), matrices


def by_layer(pairs):
    return {
        layer: value
        for layers, values in pairs
        for layer, value in zip(layers, values.tolist(), strict=True)
    }


def test_of_small_matrices_the_update_is_exact():
    found, true, _, _ = measured((16, 16), (8, 100), (16, 16))

    assert [found[i] for i in range(3)] == pytest.approx(true, rel=1e-5)


def test_of_large_ones_it_is_right_to_a_few_percent():
    found, true, _, _ = measured((256, 256), (512, 128), (64, 3, 16, 16))

    assert [found[i] for i in range(3)] == pytest.approx(true, rel=0.06)


def test_weight_norms_are_exact():
    _, _, weights, matrices = measured((256, 256), (5, 5), change=0.0)

    expected = [matrix.norm().item() for matrix in matrices]
    assert [weights[i] for i in range(2)] == pytest.approx(expected, rel=1e-5)


def test_half_precision_is_measured_in_float32():
    found, true, _, _ = measured((256, 256), dtype=torch.bfloat16)

    assert found[0] == pytest.approx(true[0], rel=0.06)


def test_matrices_that_lie_crosswise_in_memory_are_measured():
    torch.manual_seed(0)
    matrix = nn.Parameter(torch.randn(200, 300).t())
    meter = UpdateMeter([0], [matrix])
    meter.before()
    matrix.data += 1.0

    assert by_layer(meter.after())[0] == pytest.approx(60_000**0.5, rel=1e-4)


def test_weights_that_stay_have_an_update_of_nothing():
    found, _, _, _ = measured((256, 256), change=0.0)

    assert found == {0: 0.0}
