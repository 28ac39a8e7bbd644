"""Unrolls what a spec writes into nodes: repeats, refs, paths and shapes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from ..documents.base import nearest, quoted
from ..documents.pointers import pointer_to
from ..exceptions import InvalidDocumentError, Problem
from ..layers.base import Composite, Layer, Shape, ShapeError, Signal
from ..layers.block import Ref, Repeat
from ..schemas.entry import entries_adapter
from ..schemas.problems import problems_of
from ..schemas.spec import Spec

# Brackets inside a definition's body; layers nest less deeply than that.
MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Node:
    """One layer of the expanded network.

    Attributes:
        path: Where the layer is in the expanded network (`model.0.17.body.1`).
        pointer: Where it was written, a JSON pointer into the document.
        parameters: Names and shapes of the learned parameters.
        children: Sequences of child nodes by slot (`body`, `branches.0`).
        automatic: An automatic shortcut's projection, initialised by
            `lecun_normal_` instead of torch's default.
    """

    path: str
    pointer: str
    layer: Layer
    input: Signal
    output: Signal
    parameters: Mapping[str, Shape]
    children: Mapping[str, Sequence["Node"]] = field(default_factory=dict)
    automatic: bool = False

    def walk(self) -> Iterator["Node"]:
        """This node and everything inside it, in the order of execution."""
        yield self
        for nodes in self.children.values():
            for node in nodes:
                yield from node.walk()


def _invalid(pointer: str, message: str) -> InvalidDocumentError:
    return InvalidDocumentError([Problem(pointer, message)])


class Expansion:
    """Unrolls repeats and refs, folding the shapes on the way."""

    def __init__(self, spec: Spec, pointer: str) -> None:
        self._spec = spec
        self._pointer = pointer

    def nodes(self, signal: Signal) -> tuple[Node, ...]:
        return tuple(self._sequence(self._spec.model, signal, "model", "/model"))

    def _sequence(
        self,
        entries: Sequence[Any],
        signal: Signal,
        path: str,
        pointer: str,
        *,
        automatic: bool = False,
    ) -> Iterator[Node]:
        for index, entry in enumerate(entries):
            here, there = f"{path}.{index}", f"{pointer}/{index}"
            if isinstance(entry, Repeat):
                for turn in range(entry.repeat):
                    for node in self._sequence(
                        entry.body, signal, f"{here}.{turn}.body", f"{there}/body"
                    ):
                        yield node
                        signal = node.output
            elif isinstance(entry, Ref):
                body, place = self._definition(entry, there)
                for node in self._sequence(body, signal, f"{here}.body", place):
                    yield node
                    signal = node.output
            else:
                node = self._node(entry, signal, here, there, automatic=automatic)
                yield node
                signal = node.output

    def _node(
        self, layer: Layer, signal: Signal, path: str, pointer: str, *, automatic: bool
    ) -> Node:
        children: dict[str, Sequence[Node]] = {}

        def through(slot: str, entries: Sequence[Any], entering: Signal) -> Signal:
            nodes = list(
                self._sequence(
                    entries,
                    entering,
                    f"{path}.{slot}",
                    f"{pointer}/{slot.replace('.', '/')}",
                    automatic=slot == "shortcut"
                    and getattr(layer, "shortcut", None) == "auto",
                )
            )
            children[slot] = nodes
            return nodes[-1].output if nodes else entering

        try:
            if isinstance(layer, Composite):
                output = layer.output_through(signal, through)
            else:
                output = layer.output(signal)
        except ShapeError as error:
            key = f"/{error.key}" if error.key else ""
            raise _invalid(
                f"{self._pointer}{pointer}{key}", f"{path}: {error}"
            ) from None
        return Node(
            path=path,
            pointer=pointer,
            layer=layer,
            input=signal,
            output=output,
            parameters=layer.parameters(signal),
            children=children,
            automatic=automatic,
        )

    def _definition(self, ref: Ref, pointer: str) -> tuple[list[Any], str]:
        """The body a `ref` stands for, its parameters filled in and checked."""
        define = self._spec.define
        if ref.ref not in define:
            raise _invalid(
                f"{self._pointer}{pointer}/ref",
                f"nothing is defined as {quoted(ref.ref)}{nearest(ref.ref, [*define])}",
            )
        definition = define[ref.ref]
        for name in ref.args:
            if name not in definition.params:
                raise _invalid(
                    self._pointer + pointer + pointer_to("args", name),
                    f"{quoted(ref.ref)} has no parameter {quoted(name)}"
                    f"{nearest(name, [*definition.params])}",
                )
        place = pointer_to("define", ref.ref, "body")
        body = _substitute(
            definition.body, {**definition.params, **ref.args}, self._pointer + place
        )
        try:
            return entries_adapter.validate_python(body), place
        except ValidationError as error:
            raise InvalidDocumentError(
                problems_of(error, body, self._pointer + place)
            ) from None


def _substitute(
    value: Any, arguments: Mapping[str, Any], pointer: str, depth: int = 0
) -> Any:
    """`value` with every "$name" replaced by the argument of that name."""
    if depth > MAX_DEPTH:
        raise _invalid(pointer, f"nested more than {MAX_DEPTH} deep: flatten this body")
    if isinstance(value, dict):
        return {
            key: _substitute(item, arguments, pointer + pointer_to(key), depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _substitute(item, arguments, f"{pointer}/{index}", depth + 1)
            for index, item in enumerate(value)
        ]
    if isinstance(value, str) and value.startswith("$"):
        if value[1:] not in arguments:
            raise _invalid(
                pointer,
                f"{quoted(value)} is not a parameter of this definition"
                f"{nearest(value[1:], [*arguments])}",
            )
        return arguments[value[1:]]
    return value
