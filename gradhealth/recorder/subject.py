"""The model of a training as the recorder sees it: layers, parameters, what to hook."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.parameter import is_lazy

from ..schemas.trace import TracedLayer
from .activations import UnitKind

UNIT_KINDS: dict[type[nn.Module], UnitKind] = {
    nn.ReLU: "relu",
    nn.ReLU6: "relu",
    nn.Tanh: "tanh",
    nn.Hardtanh: "tanh",
    nn.Sigmoid: "sigmoid",
    nn.Hardsigmoid: "sigmoid",
}
# Modules with a matrix of their own whose children do no work by themselves.
WHOLE = (nn.RNNBase, nn.MultiheadAttention)

SHADOW_NOTE = (
    "activations and backward gains are those of a pass of the module before "
    "compilation, on a few samples and with a random gradient"
)


@dataclass(frozen=True, slots=True)
class WatchedLayer:
    """A module with parameters of its own, or an activation that can go flat.

    Attributes:
        is_station: Has a weight matrix: its output and the gradient that arrives
            there are watched.
        unit_kind: How the activation goes flat; null for other modules.
        is_hidden: Inside a compiled region, where hooks do not fire.
    """

    path: str
    module: nn.Module
    is_station: bool
    unit_kind: UnitKind | None
    is_hidden: bool

    @property
    def traced(self) -> TracedLayer:
        return TracedLayer(path=self.path, type=type(self.module).__name__)


class Subject:
    """A model, unwrapped from `DistributedDataParallel` and `torch.compile`.

    Raises:
        ValueError: Some of its parameters have no size yet.

    Attributes:
        model: As the training calls it.
        eager: The module inside, as its author wrote it.
        has_shadow: Compiled as a whole, but called through a wrapper with hooks.
        layers: In the order of definition.
        parameters: Each parameter once, with the layer that owns it first.
        owners: Indices of those layers.
    """

    def __init__(self, model: nn.Module) -> None:
        if any(map(is_lazy, model.parameters())):
            raise ValueError(
                "the model has lazy parameters that have no size yet: run it once on a "
                "batch before it is recorded"
            )
        self.model = model
        self.eager, is_compiled = _unwrapped(model)
        self.layers = list(_layers(self.eager, is_hidden=is_compiled))
        # model.compile() bypasses the hooks of the model itself as well.
        self.has_shadow = is_compiled and model._compiled_call_impl is None  # noqa: SLF001
        self.parameters: list[nn.Parameter] = []
        self.owners: list[int] = []
        seen: set[nn.Parameter] = set()
        for index, layer in enumerate(self.layers):
            for parameter in layer.module.parameters(recurse=False):
                if parameter not in seen:
                    seen.add(parameter)
                    self.parameters.append(parameter)
                    self.owners.append(index)

    @property
    def hides(self) -> list[str]:
        """What cannot be seen of this model."""
        hidden = [layer.path for layer in self.layers if layer.is_hidden]
        if self.has_shadow:
            return [SHADOW_NOTE]
        if hidden:
            return [f"activations of {len(hidden)} compiled layers, e.g. {hidden[0]}"]
        return []

    def depth_order(self, seen: Iterable[int]) -> list[int]:
        """Layers in the order in which they ran; the others after those before them.

        Args:
            seen: Layers that were seen to run, in order.
        """
        ranks = {index: rank for rank, index in enumerate(seen)}
        keys: list[tuple[int, int]] = []
        latest = -1
        for index in range(len(self.layers)):
            latest = ranks.get(index, latest)
            keys.append((latest, index))
        return sorted(range(len(keys)), key=keys.__getitem__)


def _unwrapped(model: nn.Module) -> tuple[nn.Module, bool]:
    """The innermost module, and whether a compiled one stands around it."""
    is_compiled = _is_compiled(model)
    while True:
        if isinstance(model, DistributedDataParallel):
            model = model.module
        elif isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
            model = inner
        else:
            return model, is_compiled
        is_compiled |= _is_compiled(model)


def _is_compiled(module: nn.Module) -> bool:
    """Whether `torch.compile(module)` or `module.compile()` made it."""
    compiled_call = getattr(module, "_compiled_call_impl", None)
    return compiled_call is not None or hasattr(module, "_orig_mod")


def _layers(eager: nn.Module, *, is_hidden: bool) -> Iterator[WatchedLayer]:
    hidden: set[nn.Module] = set()
    for name, module in eager.named_modules():
        if is_hidden or _is_compiled(module) or module in hidden:
            hidden.update(module.children())
            hidden.add(module)
        unit_kind = UNIT_KINDS.get(type(module))
        if unit_kind is None and not [*module.parameters(recurse=False)]:
            continue
        yield WatchedLayer(
            path=_path(name),
            module=module,
            is_station=_is_station(module),
            unit_kind=unit_kind,
            is_hidden=module in hidden,
        )


def _path(name: str) -> str:
    """A module's name without what `torch.compile` adds."""
    parts = [part for part in name.split(".") if part != "_orig_mod"]
    return ".".join(parts) or "model"


def _is_station(module: nn.Module) -> bool:
    has_matrix = any(p.dim() > 1 for p in module.parameters(recurse=False))
    return has_matrix and (isinstance(module, WHOLE) or not _has_children(module))


def _has_children(module: nn.Module) -> bool:
    return next(module.children(), None) is not None
