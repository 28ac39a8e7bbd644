"""Draws a task's samples: the definitions of the built-in tasks, one function each."""

from dataclasses import dataclass
from functools import cache, singledispatch
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradhealth.documents.arrays import decode_npy
from gradhealth.schemas.data import (
    Adding,
    Clusters,
    Digits,
    Images,
    Inline,
    MarkovLm,
    Recall,
    Reconstruction,
    Regression,
    Task,
)

Random = np.random.Generator
Array = NDArray[Any]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Samples:
    """A task's samples.

    Attributes:
        x: [n, ...] inputs.
        y: [n, ...] targets.
        floor: The smallest loss that can be reached, where it is known, else 0.
    """

    x: Array
    y: Array
    floor: float = 0.0


@singledispatch
def draw(task: Task, random: Random) -> Samples:
    """Draws the samples of a task; inline data and digits use no random numbers."""
    raise NotImplementedError(task, random)


@draw.register
def _(task: Clusters, random: Random) -> Samples:
    centres = random.standard_normal(
        (task.classes * task.blobs, task.features), np.float32
    )
    blob = random.integers(len(centres), size=task.n)
    noise = task.noise * random.standard_normal((task.n, task.features), np.float32)
    x = (centres[blob] + noise) * task.scale + task.shift
    return Samples(x, blob % task.classes)


@draw.register
def _(task: Images, random: Random) -> Samples:
    y = random.integers(task.classes, size=task.n)
    angle = (np.pi * y / task.classes).astype(np.float32).reshape(-1, 1, 1, 1)
    phase = 2 * np.pi * random.random((task.n, 1, 1, 1), np.float32)
    pixel = np.arange(task.size, dtype=np.float32)
    u, v = pixel[:, np.newaxis], pixel[np.newaxis, :]
    waves = 1.4 * np.sin(1.3 * (u * np.cos(angle) + v * np.sin(angle)) + phase)
    shape = (task.n, task.channels, task.size, task.size)
    noise = task.noise * random.standard_normal(shape, np.float32)
    return Samples(noise + waves, y)


@draw.register
def _(task: Regression, random: Random) -> Samples:
    x = random.standard_normal((task.n, task.features), np.float32)
    directions = random.standard_normal((2, task.features), np.float32)
    a, b = directions / np.float32(np.sqrt(task.features))
    y = (np.sin(2 * x @ a) + 0.5 * x @ b) * task.target_scale
    return Samples(x, y)


@draw.register
def _(task: Reconstruction, random: Random) -> Samples:
    z = random.standard_normal((task.n, task.latent), np.float32)
    x = np.tanh(z @ random.standard_normal((task.latent, task.features), np.float32))
    return Samples(x, x)


@draw.register
def _(task: Recall, random: Random) -> Samples:
    assert task.lag is not None
    y = random.integers(task.classes, size=task.n)
    shape = (task.n, task.length, task.features)
    x = task.noise * random.standard_normal(shape, np.float32)
    x[np.arange(task.n), task.length - task.lag, y] += 2.0
    return Samples(x, y)


@draw.register
def _(task: Adding, random: Random) -> Samples:
    values = random.random((task.n, task.length), np.float32)
    half = task.length // 2
    sample = np.arange(task.n)
    first = random.integers(0, half, size=task.n)
    second = random.integers(half, task.length, size=task.n)
    marks = np.zeros_like(values)
    marks[sample, first] = marks[sample, second] = 1
    y = values[sample, first] + values[sample, second]
    return Samples(np.stack([values, marks], axis=-1), y)


@draw.register
def _(task: MarkovLm, random: Random) -> Samples:
    logits = 2 * random.standard_normal((task.vocab_size, task.vocab_size))
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    stationary = _stationary(chances)
    tokens = _walk(chances, stationary, (task.n, task.length + 1), random)
    entropies = -(chances * np.log(chances)).sum(axis=1)
    return Samples(tokens[:, :-1], tokens[:, 1:], float(stationary @ entropies))


def _stationary(chances: Array) -> Array:
    """The distribution p = p P of a Markov chain."""
    size = len(chances)
    # The equations sum to 0, so that the last can give way to "p sums to 1".
    equations = chances.T - np.eye(size)
    equations[-1] = 1
    return np.linalg.solve(equations, np.eye(size)[-1]).clip(min=0)


def _walk(
    chances: Array, start: Array, shape: tuple[int, int], random: Random
) -> NDArray[np.int64]:
    """[n, length] tokens of a Markov chain, each row from its own start."""
    n, length = shape
    size = len(start)
    tokens = np.empty(shape, np.int64)
    tokens[:, 0] = random.choice(size, p=start / start.sum(), size=n)
    # One ascending list: row i of the cumulated chances runs from i to i + 1, so that
    # a token i and a uniform number find the next token at i + uniform.
    ladder = (chances.cumsum(axis=1) + np.arange(size)[:, np.newaxis]).ravel()
    for step in range(1, length):
        before = tokens[:, step - 1]
        rung = np.searchsorted(ladder, before + random.random(n), side="right")
        tokens[:, step] = (rung - before * size).clip(0, size - 1)
    return tokens


@draw.register
def _(task: Digits, random: Random) -> Samples:  # noqa: ARG001 -- a fixed set
    table = _digits_table()
    return Samples(table[:, :-1], table[:, -1].astype(np.int64))


@cache
def _digits_table() -> Floats:
    """[1797, 65]: 64 pixels from 0 to 16, and the digit.

    Read from scikit-learn's folder, because importing it takes seconds.
    """
    package = find_spec("sklearn")
    assert package is not None
    assert package.submodule_search_locations is not None
    (folder,) = package.submodule_search_locations
    table = Path(folder, "datasets", "data", "digits.csv.gz")
    return np.loadtxt(table, np.float32, delimiter=",")


@draw.register
def _(task: Inline, random: Random) -> Samples:  # noqa: ARG001 -- the caller's sample
    return Samples(decode_npy(task.x.npy), decode_npy(task.y.npy))
