"""The union of everything that may stand in a list of layers, told apart by `type`.

The layers are found in the folder `gradhealth/layers`: a new file is in the union,
in OpenAPI and in the builder without being registered.
"""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_args

from pydantic import Discriminator, Tag, TypeAdapter

from ..documents.base import Document
from ..layers.base import Composite, Layer
from ..layers.block import Ref, Repeat
from ..registry import subclasses_in


def _names(layer: type[Layer]) -> tuple[str, ...]:
    """The values of `type` that mean this layer, aliases included."""
    return get_args(layer.model_fields["type"].annotation)


LAYERS: dict[str, type[Layer]] = {
    name: layer
    for layer in subclasses_in("gradhealth.layers", Layer)
    if "type" in layer.model_fields
    for name in _names(layer)
}

# Tags that cannot be mistaken for a key of the document in an error's location.
REPEAT, REF = "<repeat>", "<ref>"


def _tag(entry: Any) -> str | None:
    if isinstance(entry, Repeat):
        return REPEAT
    if isinstance(entry, Ref):
        return REF
    if not isinstance(entry, dict):
        return getattr(entry, "type", None)
    if "type" in entry:
        return entry["type"] if isinstance(entry["type"], str) else None
    if "repeat" in entry:
        return REPEAT
    return REF if "ref" in entry else None


if TYPE_CHECKING:  # the union is made at run time, from the folder
    Entry: TypeAlias = Layer | Repeat | Ref
else:
    _tagged = [Annotated[layer, Tag(name)] for name, layer in LAYERS.items()]
    _tagged += [Annotated[Repeat, Tag(REPEAT)], Annotated[Ref, Tag(REF)]]
    Entry = Annotated[reduce(or_, _tagged), Discriminator(_tag)]

_recursive: list[type[Document]] = [Repeat]
_recursive += subclasses_in("gradhealth.layers", Composite)
for model in _recursive:
    model.model_rebuild(force=True, _types_namespace={"Entry": Entry})

entries_adapter: TypeAdapter[list[Any]] = TypeAdapter(list[Entry])
