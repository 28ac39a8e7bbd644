"""Answers from mean-field theory alone: no training, no worker."""

from gradhealth.network import Network
from gradhealth.schemas.analysis import Result, Theory
from gradhealth.theory.gains import predict


def predicted_result(network: Network) -> Result:
    """What theory says about a network.

    The verdict stays open: whether training suffers is not for theory to see.
    """
    theory = predict(network)
    return Result(
        verdict="insufficient_data",
        summary=_summary(theory),
        theory=theory,
        notes=theory.caveats,
    )


def _summary(theory: Theory) -> str:
    if theory.backward_gain is None:
        return "Theory has no prediction for this network, and nothing was trained."
    return (
        "Theory predicts that the gradient at the first layer is "
        f"{theory.backward_gain:.2g} times as large as at the last hidden layer. "
        "Nothing was trained, so there is no verdict."
    )
