"""What flows through a network."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# Axes: samples, then those of the signal.
Values: TypeAlias = NDArray[np.float64]
# Turns the gradient at a layer's output into the one at its input.
PullBack: TypeAlias = Callable[[Values], Values]
