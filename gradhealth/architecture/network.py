"""The network a spec describes: expanded, with paths, shapes and parameters."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..exceptions import InvalidDocumentError, Problem
from ..layers.base import Signal
from ..layers.linear import Linear
from ..schemas.data import Data, Generated
from ..schemas.problems import problems_of
from ..schemas.spec import Spec
from .expansion import Expansion, Node
from .initialisation import check_rules
from .limits import Limits, check_size
from .targets import Goal, goal_of, input_of

__all__ = ["Network", "Node", "resolve"]

# Outputs of layers that one reading of the probe may keep: 1 GiB in float32.
PROBE_ACTIVATIONS = 2**28


@dataclass(frozen=True, slots=True)
class Network:
    """A checked spec with its expanded layers.

    Attributes:
        spec: The typed document.
        input: The signal that enters.
        nodes: The top-level layers in order.
        goal: The task with what follows from the shapes filled in, and the loss.
    """

    spec: Spec
    input: Signal
    nodes: tuple[Node, ...]
    goal: Goal

    def walk(self) -> Iterator[Node]:
        """Every node, in the order of execution."""
        for node in self.nodes:
            yield from node.walk()

    @property
    def output(self) -> Signal:
        """The signal that leaves."""
        return self.nodes[-1].output

    @property
    def stations(self) -> tuple[Node, ...]:
        """Top-level nodes at whose output the backward gain is measured.

        The read-out is left out: its gradient is bounded by the loss and always
        differs. A network of one station keeps it, and one of Linear alone all but
        the last.
        """
        stations = [
            index for index, node in enumerate(self.nodes) if node.layer.station
        ]
        if all(isinstance(node.layer, Linear) for node in self.nodes):
            return self.nodes[: max(1, len(self.nodes) - 1)]
        readout = len(self.nodes)
        while len(stations) > 1 and isinstance(self.nodes[stations[-1]].layer, Linear):
            if stations[-1] != readout - 1 and readout != len(self.nodes):
                break
            readout = stations.pop()
        return tuple(self.nodes[i] for i in stations)

    @property
    def num_parameters(self) -> int:
        """Number of learned numbers."""
        return _num_parameters(self.nodes)

    @property
    def num_probe_samples(self) -> int:
        """Samples of a full reading: as asked, or as many as memory is meant for."""
        per_sample = sum(node.output.size for node in self.walk())
        affordable = max(PROBE_ACTIVATIONS // per_sample, self.spec.training.batch_size)
        return min(self.spec.probe.samples, affordable)


def resolve(
    document: Mapping[str, Any], limits: Limits | None = None, pointer: str = ""
) -> Network:
    """Checks a spec and expands it.

    Args:
        document: The spec as parsed JSON.
        limits: The largest network that is accepted.
        pointer: Where `document` stands inside what the caller sent.

    Raises:
        InvalidDocumentError: Every mistake, with a pointer to its place.
    """
    limits = limits or Limits()
    check_size(document, limits, pointer)
    try:
        spec = Spec.model_validate(document)
    except ValidationError as error:
        raise InvalidDocumentError(problems_of(error, document, pointer)) from None
    _check_training(spec, limits, pointer)
    signal = input_of(spec, pointer)
    nodes = Expansion(spec, pointer).nodes(signal)
    output = nodes[-1].output
    _check_cost(spec, signal, nodes, limits, pointer)
    check_rules(spec.init, nodes, pointer)
    goal = goal_of(spec, signal, output, pointer)
    _check_data(spec, goal.data, limits, pointer)
    return Network(spec, signal, nodes, goal)


def _invalid(pointer: str, message: str) -> InvalidDocumentError:
    return InvalidDocumentError([Problem(pointer, message)])


def _written(spec: Spec, *keys: str) -> str:
    """Pointer to a key, or to what stands around it where it was left out."""
    pointer, here = "", spec
    for key in keys:
        if key not in here.model_fields_set:
            break
        pointer, here = f"{pointer}/{key}", getattr(here, key)
    return pointer


def _check_training(spec: Spec, limits: Limits, pointer: str) -> None:
    training = spec.training
    if training.steps > limits.steps:
        raise _invalid(
            pointer + _written(spec, "training", "steps"),
            f"at most {limits.steps} steps are allowed",
        )
    if training.batch_size > limits.batch_size:
        raise _invalid(
            pointer + _written(spec, "training", "batch_size"),
            f"a batch may have at most {limits.batch_size} samples",
        )
    if spec.probe.steps and max(spec.probe.steps) > training.steps:
        raise _invalid(f"{pointer}/probe/steps", f"steps go from 0 to {training.steps}")


def _num_parameters(nodes: Sequence[Node]) -> int:
    return sum(
        math.prod(shape)
        for top in nodes
        for node in top.walk()
        for shape in node.parameters.values()
    )


def _check_cost(
    spec: Spec, signal: Signal, nodes: Sequence[Node], limits: Limits, pointer: str
) -> None:
    num_parameters = _num_parameters(nodes)
    if not num_parameters:
        raise _invalid(
            f"{pointer}/model", "no layer here learns anything: add a Linear"
        )
    if num_parameters > limits.parameters:
        raise _invalid(
            f"{pointer}/model",
            f"{num_parameters:,} parameters, at most {limits.parameters:,} "
            "are allowed: use narrower layers",
        )
    if signal.size > limits.sample_size:
        raise _invalid(
            pointer + (_written(spec, "input") or _written(spec, "data")),
            f"one sample may have at most {limits.sample_size:,} elements",
        )
    batch_size = spec.training.batch_size
    every = [node for top in nodes for node in top.walk()]
    activations = batch_size * sum(node.output.size for node in every)
    if activations > limits.batch_activations:
        raise _invalid(
            pointer + (_written(spec, "training", "batch_size") or "/model"),
            f"one batch keeps {activations:,} activations, at most "
            f"{limits.batch_activations:,} are allowed: use a smaller batch or "
            "narrower layers",
        )
    for node in every:
        per_channel = batch_size * node.output.size // node.output.channels
        if node.layer.kind.startswith("BatchNorm") and per_channel == 1:
            raise _invalid(
                pointer + _written(spec, "training", "batch_size"),
                f"{node.path} is a {node.layer.kind}, which needs a batch of at "
                "least 2 samples",
            )


def _check_data(spec: Spec, data: Data, limits: Limits, pointer: str) -> None:
    if isinstance(data, Generated) and data.num_drawn > limits.drawn_numbers:
        raise _invalid(
            pointer + _written(spec, "data"),
            f"{data.task} with n {data.n:,} draws {data.num_drawn:,} numbers, at most "
            f"{limits.drawn_numbers:,} are allowed: write a smaller n",
        )
