"""Greedy layer-wise pretraining (Bengio 2007; Schmidhuber 1992).

Each trunk layer in turn is trained, the ones before it frozen, so that a linear
read-out of its pooled output solves the task; then the network is trained whole.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from gradhealth.architecture.network import Network, Node

from ..measuring.build import Model
from ..measuring.eager import eager


@dataclass(frozen=True, slots=True)
class Pretraining:
    """What is needed to train one layer after the other.

    Attributes:
        draw: The next batch, on the device.
        criterion: The loss of the whole network, used for each read-out too.
    """

    model: Model
    network: Network
    draw: Callable[[], tuple[Tensor, Tensor]]
    criterion: Callable[[Tensor, Tensor], Tensor]
    lr: float

    def run(self, steps_per_layer: int) -> None:
        """Trains each station in turn, those before it kept as they are."""
        self.model.train()
        for station, last in self._segments():
            self._train(station, last, steps_per_layer)

    def _segments(self) -> Iterator[tuple[Node, Node]]:
        """Each station with the last top-level layer before the next one."""
        nodes = self.network.nodes
        paths = {node.path for node in self.network.stations}
        starts = [i for i, node in enumerate(nodes) if node.path in paths]
        for start, following in pairwise([*starts, starts[-1] + 1]):
            yield nodes[start], nodes[following - 1]

    def _train(self, station: Node, last: Node, num_steps: int) -> None:
        some = next(self.model.parameters())
        readout = nn.Linear(last.output.channels, self.network.output.size).to(some)
        own = self.model.modules_by_path[station.path].parameters()
        optimizer = eager(torch.optim.SGD)([*own, *readout.parameters()], lr=self.lr)
        for _ in range(num_steps):
            x, y = self.draw()
            features = _pooled(self._output_at(last.path, x), last)
            output = readout(features).reshape(-1, *self.network.output.dims)
            loss = self.criterion(output.float(), y)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own gap
            optimizer.step()

    def _output_at(self, path: str, x: Tensor) -> Tensor:
        seen: list[Tensor] = []

        def keep(_module: nn.Module, _arguments: object, output: Tensor) -> None:
            seen.append(output)

        handle = self.model.modules_by_path[path].register_forward_hook(keep)
        self.model(x)
        handle.remove()
        return seen[-1]


def _pooled(output: Tensor, node: Node) -> Tensor:
    """The mean over everything but the channels: [batch, channels]."""
    axis = node.output.channel_axis + 1
    others = [dim for dim in range(1, output.dim()) if dim != axis]
    return output.mean(others) if others else output
