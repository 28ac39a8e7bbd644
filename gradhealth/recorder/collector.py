"""Collects a training's numbers from hooks, on the training's own thread."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from .governor import Costs, Governor
from .names import series_name
from .optimized import Optimized
from .rows import Cells, Row
from .sampling import Sampling
from .subject import Subject

T = TypeVar("T")


class Collector:
    """Makes a row a step, which ends when every optimizer has stepped.

    With several optimizers of different pace it ends when one steps again.

    Args:
        subject: The model.
        optimizers: Those that move it.
        governor: Says which steps are measured.
        scaler: The training's GradScaler, if it has one.
        first_step: Number of the first step.
        hand_over: Takes each finished row.
        fail: Takes what went wrong here, in place of the training.

    Attributes:
        costs: What recording took, since somebody looked.
        wants_exact: Whether sampled norms are taken in float64: some were so small or
            large that float32 cannot tell them from 0 or infinity.
        renamed: What names that are too long were shortened to.
    """

    def __init__(  # noqa: PLR0913 -- it stands between all of them
        self,
        subject: Subject,
        optimizers: Sequence[Optimizer],
        governor: Governor,
        *,
        scaler: torch.amp.GradScaler | None,
        first_step: int,
        hand_over: Callable[[Row], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self._parts = [Optimized(subject, optimizer) for optimizer in optimizers]
        self._governor = governor
        self._scaler = scaler
        self._first_step = first_step
        self._hand_over = hand_over
        self._fail = fail
        self._handles: list[RemovableHandle] = []
        self._step = first_step
        self._row = Row(first_step)
        self._stepped: list[Optimized] = []
        self._measured: list[Optimized] = []
        self._cells_of: dict[Optimized, list[Cells]] = {}
        self._is_sampled = self._is_broken = False
        self._own_seconds = 0.0
        self._hook_began = perf_counter()
        self.sampling = Sampling(subject)
        self.costs = Costs()
        self.renamed: dict[str, str] = {}
        self.wants_exact = False

    def start(self) -> None:
        """Puts hooks on the optimizers, and on the model where a step is sampled."""
        for part in self._parts:
            before = self._safely(self._before_step, part)
            after = self._safely(self._after_step, part)
            self._handles += [
                part.optimizer.register_step_pre_hook(before),
                part.optimizer.register_step_post_hook(after),
            ]
        self._hook_began = perf_counter()
        self._open_row()

    def stop(self) -> Row:
        """Takes every hook off; gives the unfinished row.

        Of a step that no optimizer took yet only what was logged is known.
        """
        row = self._row
        if not self._stepped:
            row = Row(row.step, row.scalars)
        elif self._is_sampled:
            row.cells += self.sampling.take()
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self.sampling.detach()
        return row

    def log(self, values: dict[str, float | Tensor]) -> None:
        """Adds scalars to the row of the step that is being computed."""
        began = perf_counter()
        for given, value in values.items():
            name = self._name_of(given)
            if not isinstance(value, Tensor):
                self._row.put(name, float(value))
            elif value.numel() == 1:
                self._row.put(name, value.detach().clone())
            else:
                message = f"{name}: log one number, not {value.numel()}: take the mean"
                raise ValueError(message)
        self._own_seconds += perf_counter() - began

    def _name_of(self, given: str) -> str:
        name = series_name(given)
        if name != given:
            self.renamed[given] = name
        return name

    def measure_now(self, optimizer: Optimizer) -> None:
        """Takes the norms now, and not again in the optimizer's step."""
        part = next(part for part in self._parts if part.optimizer is optimizer)
        self._safely(self._measure_anew, part)()

    def _measure_anew(self, part: Optimized) -> None:
        """Of gradients that overflowed, and that a scaler skipped, nothing stays."""
        if part in self._measured and part not in self._stepped:
            row = self._row
            left_out = set(map(id, self._cells_of.pop(part)))
            row.cells = [cells for cells in row.cells if id(cells) not in left_out]
            row.scalars.pop("loss_scale", None)
            self._measured.remove(part)
        self._measure(part)

    def _before_step(
        self, part: Optimized, _optimizer: Optimizer, args: Any, kwargs: Any
    ) -> tuple[Any, Any] | None:
        # The arguments of the unbound method: the optimizer itself comes first.
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if closure is None:
            self._measure(part)
            part.note_skip(self._row)
            return None
        # Gradients are made inside the step: they are measured behind the closure.
        measure = self._safely(self._measure, part)

        def measured() -> Any:
            loss = closure()
            measure()
            return loss

        if len(args) > 1:
            return (args[0], measured, *args[2:]), kwargs
        return args, {**kwargs, "closure": measured}

    def _measure(self, part: Optimized) -> None:
        if part in self._stepped:
            self._close_row()
        if part in self._measured:
            return
        self._measured.append(part)
        is_first = len(self._measured) == 1
        num_before = len(self._row.cells)
        part.note_state(self._row, self._scaler if is_first else None)
        if self._takes_norms:
            began = perf_counter()
            part.measure_gradients(self._row)
            self._norm_seconds += perf_counter() - began
        if self._is_sampled:
            began = perf_counter()
            part.before_update(self._row)
            self._sample_seconds += perf_counter() - began
        self._cells_of[part] = self._row.cells[num_before:]

    def _after_step(
        self, part: Optimized, _optimizer: Optimizer, _args: Any, _kwargs: Any
    ) -> None:
        if self._is_sampled:
            began = perf_counter()
            part.after_update(self._row)
            self._sample_seconds += perf_counter() - began
        self._stepped.append(part)
        if len(self._stepped) == len(self._parts):
            self._close_row()

    def _open_row(self) -> None:
        self._stepped, self._measured = [], []
        self._cells_of = {}
        count = self._step - self._first_step
        self._takes_norms = self._governor.takes_norms(count)
        self._is_sampled = self._governor.takes_sample(count)
        is_exact = self._is_sampled and (self.wants_exact or not count)
        self._row = Row(self._step, is_exact=is_exact)
        self._norm_seconds = self._sample_seconds = self.sampling.ledger.seconds = 0.0
        self._began, self._own_before = perf_counter(), self._own_now()
        if self._is_sampled:
            self.sampling.attach(is_exact=is_exact)
            self._sample_seconds = perf_counter() - self._began

    def _close_row(self) -> None:
        began = perf_counter()
        if self._is_sampled:
            self._row.cells += self.sampling.take()
        self._sample_seconds += perf_counter() - began + self.sampling.ledger.seconds
        self._account()
        row = self._row
        self._step += 1
        self._open_row()
        self._hand_over(row)

    def _account(self) -> None:
        """Books the time that the row took, and how much of it was ours."""
        own = self._own_now() - self._own_before + self.sampling.ledger.seconds
        self.costs.steps.append(perf_counter() - self._began - own)
        self.costs.other.append(own - self._norm_seconds - self._sample_seconds)
        if self._takes_norms:
            self.costs.norms.append(self._norm_seconds)
        if self._is_sampled:
            self.costs.samples.append(self._sample_seconds)

    def _own_now(self) -> float:
        return self._own_seconds + perf_counter() - self._hook_began

    def _safely(
        self, call: Callable[..., T], part: Optimized
    ) -> Callable[..., T | None]:
        """The call with its time taken, and a failure kept from the training."""

        def safe(*arguments: Any) -> T | None:
            if self._is_broken or torch.compiler.is_compiling():
                return None
            self._hook_began = perf_counter()
            try:
                with torch.no_grad():
                    return call(part, *arguments)
            except Exception as error:  # noqa: BLE001 -- training goes on, whatever it is
                # Its own hooks stay until the end: an optimizer that is just calling
                # them does not bear their removal.
                self._is_broken = True
                self.sampling.detach()
                self._fail(error)
                return None
            finally:
                self._own_seconds += perf_counter() - self._hook_began

        return safe
