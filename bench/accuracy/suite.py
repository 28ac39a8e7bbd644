"""The suite: healthy specs, their faulty twins, and the labels that training gave."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .families import Spec, healthy
from .mutations import twins

LABELS = Path(__file__).parent / "labels.json"
# A mutation makes at most so many twins of a family: else the plain ones outweigh all.
MAX_OF_A_KIND, MAX_OF_TRAINING = 8, 3
# Mutations of the training and its data, which apply to every network.
TRAINING = ("lr_", "bfloat16", "weight_decay", "loss_scale", "clip_", "input_", "zero_")


@dataclass(frozen=True, slots=True)
class Case:
    """One spec of the suite.

    Attributes:
        id: Family, number and mutation.
        healthy_key: Key of the spec it was made from; its own for a healthy one.
        mutation: Null for a healthy one.
        problems: Accepted names of the primary problem, empty for a healthy one.
    """

    id: str
    family: str
    key: str
    healthy_key: str
    mutation: str | None
    spec: Spec
    problems: frozenset[str] = frozenset()
    causes: frozenset[str] = frozenset()


def key_of(spec: Spec) -> str:
    """Names a spec by its content, so that a label never outlives a change."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]


@cache
def cases() -> tuple[Case, ...]:
    """Every healthy spec and every twin, in a fixed order."""
    return tuple(_cases())


def _cases() -> Iterator[Case]:
    numbers: Counter[str] = Counter()
    made: Counter[tuple[str, str]] = Counter()
    for family, spec in healthy():
        name, key = f"{family}{numbers[family]}", key_of(spec)
        numbers[family] += 1
        yield Case(name, family, key, key, None, spec)
        for twin in twins(family, spec):
            kind = (family, twin.mutation)
            made[kind] += 1
            is_training = twin.mutation.startswith(TRAINING)
            if made[kind] > (MAX_OF_TRAINING if is_training else MAX_OF_A_KIND):
                continue
            yield Case(
                f"{name}-{twin.mutation}",
                family,
                key_of(twin.spec),
                key,
                twin.mutation,
                twin.spec,
                twin.problems,
                twin.causes,
            )
