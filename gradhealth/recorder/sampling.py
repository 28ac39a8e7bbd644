"""Everything that is watched on sampled steps alone."""

from .hooks import Ledger
from .rows import Cells
from .shadow import Shadow
from .subject import Subject
from .temporal import TemporalWatch
from .watch import ActivationWatch


class Sampling:
    """Activations and gradients of one step, in the way that the model allows.

    Attributes:
        activations: What is known of the layers' order.
        ledger: What it took.
    """

    def __init__(self, subject: Subject) -> None:
        self.ledger = Ledger()
        self.activations = ActivationWatch(subject, self.ledger)
        self._temporal = TemporalWatch(subject, self.ledger)
        self._shadow = (
            Shadow(subject, self.activations, self.ledger)
            if subject.has_shadow
            else None
        )

    def attach(self, *, is_exact: bool) -> None:
        """Puts hooks on for the next step."""
        self._temporal.attach()
        if self._shadow is not None:
            self._shadow.attach(is_exact=is_exact)
        else:
            self.activations.attach(is_exact=is_exact)

    def take(self) -> list[Cells]:
        """What was seen; takes the hooks off."""
        cells = [*self.activations.take(), *self._temporal.take()]
        self.detach()
        return cells

    def detach(self) -> None:
        """Takes every hook off."""
        self.activations.detach()
        self._temporal.detach()
        if self._shadow is not None:
            self._shadow.detach()
