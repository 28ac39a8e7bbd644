"""A limit on the gradient."""

import math
from collections.abc import Iterator

from ..rewriting.edits import with_training
from .base import Case, Proposal, Remedy

# What most people take where nothing was measured.
USUAL_NORM = 1.0
# A single element may be so many times the typical one.
ELEMENT_FACTOR = 10.0


class ClipGradients(Remedy):
    """Rescales gradients whose norm is above that of an ordinary step (Pascanu 2013).

    The limit is read from the measured norms: the 10th percentile, which steps before a
    divergence have, and never above the usual 1. Cures steps that are too large now and
    then. Never cures vanishing, dead units or data that is not finite: it cannot make a
    gradient larger.
    """

    kind = "clipping"
    treats = frozenset(
        {"exploding_gradient", "temporal_exploding_gradient", "non_finite"}
    )
    causes = frozenset({"learning_rate", "recurrence", "target_scale"})
    misused_for = frozenset(
        {"vanishing_gradient", "temporal_vanishing_gradient", "dead_relu"}
    )

    def proposals(self, case: Case) -> Iterator[Proposal]:
        training = case.network.spec.training
        norm, why = _limit(case)
        if training.clip_grad_norm is None or training.clip_grad_norm > norm:
            yield Proposal(
                title=f"Clip the gradient's norm at {norm:g}",
                why=(
                    "A clipped step has a bounded length, so that one steep place does "
                    f"not throw the weights away (Pascanu 2013). {why}"
                ),
                spec=with_training(case.document, clip_grad_norm=norm),
                snippet=(
                    "# between loss.backward() and optimizer.step():\n"
                    f"nn.utils.clip_grad_norm_(model.parameters(), {norm})"
                ),
            )
        value = float(f"{ELEMENT_FACTOR * norm / math.sqrt(_size(case)):.1g}")
        if case.problem in self.misused_for or training.clip_grad_value is not None:
            return
        yield Proposal(
            title=f"Clip each element of the gradient at {value:g}",
            why=(
                f"No element may be more than {ELEMENT_FACTOR:g} times a typical one; "
                f"unlike the norm's limit this turns the step (Mikolov 2012). {why}"
            ),
            spec=with_training(case.document, clip_grad_value=value),
            snippet=(
                "# between loss.backward() and optimizer.step():\n"
                f"nn.utils.clip_grad_value_(model.parameters(), {value})"
            ),
            variant="value",
        )


def _limit(case: Case) -> tuple[float, str]:
    """The limit of the norm, and where it comes from."""
    measured = math.nan if case.facts is None else case.facts.typical_grad_norm
    if not 0 < measured < USUAL_NORM:
        return USUAL_NORM, "The limit 1 is the usual one."
    norm = float(f"{measured:.1g}")
    return norm, f"Ordinary steps of this network have a norm of {measured:.2g}."


def _size(case: Case) -> int:
    """Number of learned parameters."""
    return max(
        1,
        sum(
            math.prod(shape)
            for node in case.network.walk()
            for shape in node.parameters.values()
        ),
    )
