"""Layers trained one after the other before the network is trained whole."""

from collections.abc import Iterator

from ..rewriting.edits import with_training
from .base import Case, Proposal, Remedy

MIN_STATIONS = 3
# All layers together get as many steps as the training itself, each at least so many.
MIN_STEPS_PER_LAYER = 10


class PretrainLayerwise(Remedy):
    """Greedy layer-wise pretraining, the multi-level hierarchy of Schmidhuber (1992).

    No gradient has to pass more than one layer. It costs as many steps again, was
    needed before good initialisation and skips were known, and seldom beats them.
    """

    kind = "depth"
    treats = frozenset({"vanishing_gradient"})
    causes = frozenset({"depth", "activation"})
    superseded = True

    def proposals(self, case: Case) -> Iterator[Proposal]:
        training = case.network.spec.training
        num_stations = len(case.network.stations)
        if num_stations < MIN_STATIONS or training.pretrain is not None:
            return
        steps = max(MIN_STEPS_PER_LAYER, round(training.steps / num_stations))
        yield Proposal(
            title=f"Pretrain each of {num_stations} layers for {steps} steps",
            why=(
                "Each layer learns from a read-out of its own, so that its gradient "
                "passes one layer only; then all are trained together "
                "(Schmidhuber 1992, Bengio 2007)."
            ),
            spec=with_training(
                case.document, pretrain={"type": "layerwise", "steps_per_layer": steps}
            ),
            snippet=(
                "for layer in layers:  # those before it frozen\n"
                "    train(nn.Sequential(layer, nn.Linear(width, num_classes)), "
                f"steps={steps})"
            ),
        )
