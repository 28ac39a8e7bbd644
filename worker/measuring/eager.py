"""torch's optimizers without their provisions for torch.compile.

The first optimizer of a process imports torch._dynamo, which takes longer than torch
itself (1.6 s against 1.3 s), to do nothing where nothing is compiled. The wrappers that
import it keep what they wrap (`functools.wraps`), and that is what is used here: the
same functions, so the same numbers.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch.optim import Optimizer

WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


@cache
def eager(kind: type[Optimizer]) -> Callable[..., Optimizer]:
    """A subclass of an optimizer's class that imports no compiler."""
    step: Any = kind.step
    methods: dict[str, Any] = {
        name: getattr(Optimizer, name).__wrapped__ for name in WRAPPED
    }
    methods["step"] = torch.no_grad()(step.__wrapped__)
    return type(kind.__name__, (kind,), methods)
