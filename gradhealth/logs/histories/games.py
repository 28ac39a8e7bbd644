"""Runs whose loss says nothing by its level: policies, and networks that compete."""

import re
from collections.abc import Iterable

# Series beside which a loss is a policy's or a game's: its level says nothing.
_NAMES = re.compile(
    r"(?:^|[/._\s])(?:rewards?|advantages?|policy|discriminator|generator|[dg]_loss|"
    r"loss_[dg])(?:$|[/._\s])",
    re.IGNORECASE,
)


def is_game(series_names: Iterable[str]) -> bool:
    """Whether what was logged beside the loss tells of rewards or of two players."""
    return any(map(_NAMES.search, series_names))
