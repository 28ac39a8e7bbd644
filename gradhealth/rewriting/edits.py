"""Edits of a spec as it was written: repeats and definitions stay what they are.

Every edit gives a new document and leaves the given one as it was; what an edit does
not concern is shared between the two.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..architecture.network import Network, Node
from ..documents.pointers import pointer_to

Spec = dict[str, Any]
# The keys under which an entry holds lists of layers (`branches` holds several).
LISTS = ("body", "shortcut", "post")


@dataclass(frozen=True, slots=True)
class Place:
    """One entry in a list of layers.

    Attributes:
        pointer: Where it stands in the document.
        entry: The JSON value, its own lists already rewritten. A string inside a
            definition that takes whole layers as parameters.
        nodes: What was made of it: one node for each turn of the repeats and each use
            of the definition around it; none for a `repeat` or a `ref` itself.
    """

    pointer: str
    entry: Any
    nodes: tuple[Node, ...]

    def is_all(self, predicate: Callable[[Node], bool]) -> bool:
        """Whether the entry became nodes of one sort, and only of this one."""
        return bool(self.nodes) and all(map(predicate, self.nodes))

    def is_within(self, paths: Collection[str]) -> bool:
        """Whether every node made of the entry is among `paths`."""
        return self.is_all(lambda node: node.path in paths)


Rewrite = Callable[[Sequence[Place]], list[Any]]


def rewrite_lists(document: Mapping[str, Any], network: Network, edit: Rewrite) -> Spec:
    """The document with every list of layers rewritten, from the inside out.

    Args:
        document: The spec as parsed JSON.
        network: What it resolves to.
        edit: Gives the new entries of a list; called for the model, for every list
            inside it and for the bodies of definitions.
    """
    made = defaultdict[str, list[Node]](list)
    for node in network.walk():
        made[node.pointer].append(node)

    def rewritten(entries: Any, pointer: str) -> Any:
        if not isinstance(entries, list):  # "auto", or a parameter of a definition
            return entries
        return edit(
            [
                Place(here, inside(entry, here), tuple(made[here]))
                for index, entry in enumerate(entries)
                for here in [f"{pointer}/{index}"]
            ]
        )

    def inside(entry: Any, pointer: str) -> Any:
        if not isinstance(entry, dict):
            return entry
        changed = {
            key: rewritten(entry[key], f"{pointer}/{key}")
            for key in LISTS
            if key in entry
        }
        if isinstance(branches := entry.get("branches"), list):
            changed["branches"] = [
                rewritten(branch, f"{pointer}/branches/{index}")
                for index, branch in enumerate(branches)
            ]
        return entry | changed

    spec = dict(document)
    spec["model"] = rewritten(document["model"], "/model")
    if "define" in document:
        spec["define"] = {
            name: body
            | {"body": rewritten(body["body"], pointer_to("define", name, "body"))}
            for name, body in document["define"].items()
        }
    return spec


def replace_layers(
    document: Mapping[str, Any], network: Network, replace: Callable[[Place], Any]
) -> Spec:
    """The document with single entries replaced; `replace` gives the new entry."""
    return rewrite_lists(document, network, lambda places: [*map(replace, places)])


def lists(document: Mapping[str, Any], network: Network) -> list[Sequence[Place]]:
    """Every list of layers in the document, from the inside out."""
    found: list[Sequence[Place]] = []

    def keep(places: Sequence[Place]) -> list[Any]:
        found.append(places)
        return [place.entry for place in places]

    rewrite_lists(document, network, keep)
    return found


def with_training(document: Mapping[str, Any], **changes: Any) -> Spec:
    """The document with keys of `training` set."""
    training = document.get("training", {}) | changes
    return {**document, "training": training}


def with_optimizer(
    document: Mapping[str, Any], network: Network, **changes: Any
) -> Spec:
    """The document with arguments of its optimizer set."""
    used = network.spec.training.optimizer.type
    given = document.get("training", {}).get("optimizer", {})
    return with_training(document, optimizer={"type": used} | given | changes)


def without_training(document: Mapping[str, Any], *keys: str) -> Spec:
    """The document with keys of `training` left to their defaults."""
    training = document.get("training", {})
    kept = {key: value for key, value in training.items() if key not in keys}
    return {**document, "training": kept}
