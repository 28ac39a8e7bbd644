import math
import sys
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from gradhealth.architecture.network import Network, resolve
from tests.support.networks import inline
from worker.measuring.data import Dataset, batches, load

LINEAR = {"type": "Linear", "out_features": 4}
POOLED = [{"type": "MeanPool"}, LINEAR]
FLAT = [{"type": "Flatten"}, LINEAR]
ONE = [{"type": "Flatten"}, {"type": "Linear", "out_features": 1}]

BUILT_IN: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "clusters": ({"features": 5}, [LINEAR]),
    "images": ({"channels": 2, "size": 6}, FLAT),
    "regression": ({"features": 5}, ONE),
    "reconstruction": ({"features": 5}, [{"type": "Linear", "out_features": 5}]),
    "recall": ({"length": 10, "features": 5}, POOLED),
    "adding": ({"length": 7}, ONE),
}


def network_of(data: dict[str, Any], *model: dict[str, Any], **spec: Any) -> Network:
    return resolve({"data": data, "model": list(model), **spec})


def built_in(task: str, **fields: Any) -> Network:
    defaults, model = BUILT_IN[task]
    return network_of({"task": task, **defaults, **fields}, *model)


def markov(**fields: Any) -> Network:
    model = [{"type": "Embedding", "embedding_dim": 4}]
    vocab_size = fields.get("vocab_size", 12)
    model.append({"type": "Linear", "out_features": vocab_size})
    return network_of({"task": "markov_lm", **fields}, *model)


def arrays(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    return dataset.x.numpy(), dataset.y.numpy()


@pytest.mark.parametrize("task", BUILT_IN)
def test_built_in_sets_have_the_shapes_of_the_network(task: str):
    network = built_in(task, n=32)

    data = load(network, 0)

    assert tuple(data.x.shape) == (32, *network.input.dims)
    assert tuple(data.y.shape) == (32, *network.goal.dims)
    assert data.x.dtype == torch.float32
    expected = torch.float32 if network.goal.kind == "values" else torch.int64
    assert data.y.dtype == expected
    assert data.kind == network.goal.kind
    assert data.trivial_loss > 0
    assert data.floor == 0


@pytest.mark.parametrize("task", BUILT_IN)
def test_built_in_sets_are_drawn_anew_for_each_seed(task: str):
    network = built_in(task)

    first, again, other = (load(network, seed) for seed in (3, 3, 4))

    assert torch.equal(first.x, again.x)
    assert torch.equal(first.y, again.y)
    assert not torch.equal(first.x, other.x)


def test_clusters_are_blobs_around_centres():
    network = built_in("clusters", classes=2, blobs=2, noise=0.0, n=500)

    x, y = arrays(load(network, 0))

    centres, label = np.unique(np.column_stack([x, y]), axis=0, return_counts=True)
    assert len(centres) == 4  # two a class
    assert label.min() > 90
    assert sorted(centres[:, -1]) == [0, 0, 1, 1]


def test_clusters_are_scaled_and_shifted():
    plain, _ = arrays(load(built_in("clusters"), 0))

    moved, _ = arrays(load(built_in("clusters", scale=60.0, shift=120.0), 0))

    assert np.allclose(moved, plain * 60 + 120, rtol=1e-4)


def test_images_are_gratings_along_the_direction_of_their_class():
    network = built_in("images", noise=0.0, channels=1, size=12)

    x, y = arrays(load(network, 0))

    images = x[y == 0, 0]
    assert np.allclose(images, images[:, :, :1], atol=1e-5)  # class 0 varies along u
    images = x[y == 2, 0]  # of 4 classes: t = pi / 2, along v
    assert np.allclose(images, images[:, :1, :], atol=1e-5)
    assert np.abs(x).max() == pytest.approx(1.4, rel=0.01)


def test_the_noise_of_images_is_added_to_each_pixel():
    clean, _ = arrays(load(built_in("images", noise=0.0), 0))

    noisy, _ = arrays(load(built_in("images", noise=0.5), 0))

    assert (noisy - clean).std() == pytest.approx(0.5, rel=0.02)


def test_regression_follows_its_formula():
    _, y = arrays(load(built_in("regression", n=20_000, features=16), 0))
    _, scaled = arrays(load(built_in("regression", n=20_000, target_scale=10.0), 0))

    # For u = x.a and v = x.b of variance about 1: var sin(2u) + var v / 4, roughly.
    assert 0.4 < y.std() < 1.2
    assert scaled.std() > 4 * y.std()


def test_reconstruction_has_the_rank_of_its_latents_before_tanh():
    network = built_in("reconstruction", latent=2, n=200)

    data = load(network, 0)

    x, y = arrays(data)
    singular = np.linalg.svd(np.arctanh(np.clip(x.astype(float), -0.999, 0.999)))[1]
    assert singular[2] < 0.2 * singular[1]
    assert np.array_equal(x, y)


@pytest.mark.parametrize(("lag", "index"), [(1, 9), (4, 6), (10, 0), (None, 0)])
def test_recall_marks_the_class_lag_steps_before_the_end(lag: int | None, index: int):
    network = built_in("recall", noise=0.0, lag=lag)

    x, y = arrays(load(network, 0))

    cues = x[:, index]
    assert np.array_equal(cues.argmax(axis=1), y)
    assert (cues.max(axis=1) == 2).all()
    assert x.sum() == pytest.approx(2 * len(x))


def test_adding_marks_one_value_in_each_half():
    x, y = arrays(load(built_in("adding"), 0))

    values, marks = x[..., 0], x[..., 1]
    assert (marks[:, :3].sum(axis=1) == 1).all()
    assert (marks[:, 3:].sum(axis=1) == 1).all()
    assert np.allclose((values * marks).sum(axis=1), y[:, 0])
    assert 0 <= values.min() < values.max() < 1


def test_markov_targets_are_the_next_tokens():
    x, y = arrays(load(markov(n=64, length=9), 0))

    assert x.shape == y.shape == (64, 9)
    assert np.array_equal(x[:, 1:], y[:, :-1])


def test_the_floor_of_a_markov_chain_is_what_knowing_it_leaves():
    data = load(markov(n=4000, vocab_size=4, length=32), 0)

    x, y = arrays(data)
    counts = np.zeros((4, 4))
    np.add.at(counts, (x.ravel(), y.ravel()), 1)
    chances = counts / counts.sum(axis=1, keepdims=True)
    left = -np.log(chances[x, y]).mean()
    assert left == pytest.approx(data.floor, rel=0.01)
    assert data.floor < data.trivial_loss
    start = np.bincount(x[:, 0], minlength=4) / len(x)
    assert np.allclose(start, np.bincount(x.ravel()) / x.size, atol=0.03)


@pytest.mark.parametrize("shape", [[64], [1, 8, 8]])
def test_digits_are_scikit_learns_standardised(shape: list[int]):
    model = [{"type": "Flatten"}, {"type": "Linear", "out_features": 10}]
    network = network_of({"task": "digits"}, *model, input={"shape": shape})

    data = load(network, 0)

    x, y = arrays(data)
    assert x.shape == (1797, *shape)
    flat = x.reshape(-1, 64)
    varying = flat.std(axis=0) > 0
    assert varying.sum() == 61
    assert not flat[:, ~varying].any()
    assert np.allclose(flat[:, varying].std(axis=0), 1, atol=1e-4)
    assert np.allclose(flat.mean(axis=0), 0, atol=1e-5)
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert data.trivial_loss == pytest.approx(math.log(10), rel=1e-3)
    assert torch.equal(load(network, 1).x, data.x)


def test_digits_are_read_without_importing_scikit_learn():
    network = network_of({"task": "digits"}, {"type": "Linear", "out_features": 10})

    load(network, 0)

    assert "sklearn" not in sys.modules


def classification(x: Any, y: Any, **fields: Any) -> Network:
    data = {"task": "classification", "x": inline(x), "y": inline(y), **fields}
    return network_of(data, {"type": "Flatten"}, {"type": "Linear", "out_features": 3})


def test_an_inline_sample_keeps_its_nan():
    x = np.array([[1.0, np.nan], [2.0, 3.0]])

    data = load(classification(x, [0, 2]), 0)

    assert np.array_equal(data.x.numpy(), x.astype(np.float32), equal_nan=True)
    assert data.y.tolist() == [0, 2]


def test_numbers_beyond_float32_become_infinite():
    data = load(classification(np.array([[1e300], [0.0]]), [0, 1]), 0)

    assert data.x.flatten().tolist() == [math.inf, 0.0]


def test_standardising_leaves_nan_and_what_does_not_vary():
    x = np.array([[1.0, np.nan, 5.0], [3.0, 1.0, 5.0], [5.0, 3.0, 5.0]])

    data = load(classification(x, [0, 1, 2], standardize=True), 0)

    side = math.sqrt(1.5)
    expected = [[-side, math.nan, 0], [0, -1, 0], [side, 1, 0]]
    assert np.allclose(data.x.numpy(), expected, equal_nan=True)


@pytest.mark.parametrize(("shape", "axes"), [((5, 3), (0, 1)), ((3, 4, 4), (0, 2, 3))])
def test_sequences_and_images_are_standardised_by_channel(
    shape: tuple[int, ...], axes: tuple[int, ...]
):
    x = np.random.default_rng(0).standard_normal((20, *shape)) * 30 + 7

    data = load(classification(x, np.arange(20) % 3, standardize=True), 0)

    assert np.allclose(data.x.numpy().mean(axis=axes), 0, atol=1e-5)
    assert np.allclose(data.x.numpy().std(axis=axes), 1, atol=1e-5)


def values(y: Any, **fields: Any) -> Network:
    x = inline(np.zeros((len(y), 2)))
    data = {"task": "regression_data", "x": x, "y": inline(y), **fields}
    width = np.shape(y)[1] if np.ndim(y) > 1 else 1
    return network_of(data, {"type": "Linear", "out_features": width})


def test_a_target_of_one_number_a_sample_gets_an_axis():
    data = load(values(np.array([1, 2, 3])), 0)

    assert data.y.tolist() == [[1], [2], [3]]
    assert data.y.dtype == torch.float32


def test_targets_are_standardised_when_asked():
    y = np.array([[1.0, 500.0], [3.0, 700.0]])

    data = load(values(y, standardize_target=True), 0)

    assert data.y.tolist() == [[-1, -1], [1, 1]]
    assert data.trivial_loss == pytest.approx(1)


def test_a_language_model_gets_the_callers_tokens():
    tokens = inline(np.array([[0, 1, 2], [2, 1, 0]]))
    data = {"task": "language_model", "x": tokens, "y": tokens}
    embedding = {"type": "Embedding", "embedding_dim": 4}
    readout = {"type": "Linear", "out_features": 3}

    dataset = load(network_of(data, embedding, readout), 0)

    assert dataset.x.tolist() == dataset.y.tolist() == [[0, 1, 2], [2, 1, 0]]
    assert dataset.trivial_loss == pytest.approx(math.log(3))


def test_batches_are_the_same_at_a_seed_and_differ_between_seeds():
    data = load(built_in("clusters"), 0)

    one, again, other = (list(islice(batches(data, 8, s), 3)) for s in (0, 0, 1))

    assert all(torch.equal(a[0], b[0]) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one[0][0], other[0][0])
    assert not torch.equal(one[0][0], one[1][0])


def test_batches_keep_samples_and_targets_together_and_may_repeat():
    data = load(classification(np.array([[0.0], [1.0], [2.0]]), [0, 1, 2]), 0)

    x, y = next(batches(data, 64, 0))

    assert x.shape == (64, 1)
    assert torch.equal(x[:, 0].long(), y)
    assert set(y.tolist()) == {0, 1, 2}
