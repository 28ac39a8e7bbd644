"""Numbers of training steps on their way from the device to the host."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Numbers = NDArray[np.float64]

GRAD_NORM, WEIGHT_NORM, UPDATE_NORM = "grad_norm", "weight_norm", "update_norm"
BACKWARD_GAIN = "backward_gain"


@dataclass(frozen=True, slots=True)
class Cells:
    """Values of one statistic in one step.

    Attributes:
        name: The statistic; `GRAD_NORM` counts parameters, all others layers.
        columns: [n] which parameters or layers; of several matrices a layer occurs
            several times.
        values: [n] on any device.
    """

    name: str
    columns: tuple[int, ...]
    values: Tensor


@dataclass(slots=True)
class Row:
    """What is known about one step.

    Attributes:
        scalars: By name, every value that was logged: they are averaged.
        is_exact: Whether norms were taken in float64.
    """

    step: int
    scalars: dict[str, list[float | Tensor]] = field(default_factory=dict)
    cells: list[Cells] = field(default_factory=list)
    is_exact: bool = False

    def put(self, name: str, value: float | Tensor) -> None:
        """One more value of a scalar."""
        self.scalars.setdefault(name, []).append(value)

    @property
    def tensors(self) -> list[Tensor]:
        """Everything that may still be on a device, in a fixed order."""
        scalars = [v for values in self.scalars.values() for v in values]
        return [
            *(value for value in scalars if isinstance(value, Tensor)),
            *(cells.values for cells in self.cells),
        ]


class Transfer:
    """A copy to the host that nobody waits for until the values are wanted.

    From a GPU: one copy into pinned memory on the training's own stream, and an event
    that says when it has arrived. No synchronisation on the training's thread.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._sizes = [tensor.numel() for tensor in tensors]
        self._devices = [tensor.device for tensor in tensors]
        self._copies = {
            device: _copied([t for t in tensors if t.device == device], device)
            for device in set(self._devices)
        }

    def arrays(self) -> list[Numbers]:
        """[n] values of each tensor, as soon as all have arrived."""
        flat: dict[torch.device, Numbers] = {}
        for device, (copy, event) in self._copies.items():
            if event is not None:
                event.synchronize()
            flat[device] = copy.numpy().astype(np.float64)
        position = dict.fromkeys(flat, 0)
        parts: list[Numbers] = []
        for device, size in zip(self._devices, self._sizes, strict=True):
            start = position[device]
            parts.append(flat[device][start : start + size])
            position[device] = start + size
        return parts


def _copied(
    tensors: Sequence[Tensor], device: torch.device
) -> tuple[Tensor, torch.cuda.Event | None]:
    with torch.no_grad():
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    if device.type != "cuda":
        return flat.cpu(), None
    pinned = torch.empty(flat.shape, dtype=flat.dtype, pin_memory=True)
    pinned.copy_(flat, non_blocking=True)
    arrived = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    arrived.record(torch.cuda.current_stream(device))
    return pinned, arrived
