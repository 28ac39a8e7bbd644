"""The recorder: what a training script adds to have its gradients looked at."""

import atexit
import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from types import TracebackType
from typing import Self

import numpy as np
import torch
import torch.distributed
from torch import Tensor, nn
from torch.optim import Optimizer

from ..schemas.trace import Context, Trace
from .assembly import Assembly
from .collector import Collector
from .feed import Cost, Feed
from .governor import Governor
from .rows import Row
from .sinks import Destination, Header, Sink
from .subject import Subject
from .writer import Writer

logger = logging.getLogger(__name__)


class Recorder:
    """Records a training without changing it.

    Gradient norms of every layer are taken in the optimizer's step; activations, the
    gradients that arrive there, weights and updates on the first 10 steps and on each
    50th. Use it as a context manager around the training loop.

    Args:
        model: As the loop calls it; may be compiled or distributed.
        optimizer: Or several.
        run: Name of the run; the model's class when left out.
        to: Address of a service, a file that ends in .jsonl, .jsonl.gz or
            .jsonl.zst, or a folder; left out, the run stays in memory.
        budget: Share of a step's time that recording may take; null: no limit.
        norm_every: Steps between two with gradient norms.
        sample_every: Steps between two with everything else.
        scaler: The loop's `GradScaler`, so that steps it skips are marked.
        clip_max_norm: The norm that the loop clips gradients to.
        trivial_loss: Loss of the best constant prediction, when it is known.
        first_step: Number of the first step, after a resume.
        every_rank: Whether each process of a distributed training records; else only
            the first does.
        spool: Folder in which batches wait while a service is away; in the user's
            cache when left out.

    Raises:
        ValueError: A number, a name or an optimizer that makes no sense.
    """

    def __init__(  # noqa: PLR0913 -- every one is a choice of the user's
        self,
        model: nn.Module,
        optimizer: Optimizer | Sequence[Optimizer],
        *,
        run: str | None = None,
        to: str | PathLike[str] | None = None,
        budget: float | None = 0.01,
        norm_every: int = 1,
        sample_every: int = 50,
        scaler: torch.amp.GradScaler | None = None,
        clip_max_norm: float | None = None,
        trivial_loss: float | None = None,
        first_step: int = 0,
        every_rank: bool = False,
        spool: str | PathLike[str] | None = None,
    ) -> None:
        _check_numbers(clip_max_norm, trivial_loss, first_step)
        self._subject = Subject(model)
        self.run = run or type(self._subject.eager).__name__
        several = [optimizer] if isinstance(optimizer, Optimizer) else [*optimizer]
        self._optimizers = [_innermost(each) for each in several]
        if not _have_common(self._subject.parameters, self._optimizers):
            raise ValueError("the optimizer has no parameter of this model")
        rank = _rank()
        self._is_wanted = every_rank or not rank
        self._is_active = self._has_ended = False
        if every_rank and rank is not None:
            self.run = f"{self.run} rank {rank}"
        self._destination = (
            Destination(to, self.run, rank if every_rank else None, spool)
            if to is not None
            else None
        )
        self._sink: Sink | None = None
        governor = Governor(budget, norm_every=norm_every, sample_every=sample_every)
        self._feed = Feed(governor, self._make_writer)
        self._collector = Collector(
            self._subject,
            self._optimizers,
            governor,
            scaler=scaler,
            first_step=first_step,
            hand_over=self._take,
            fail=self._fail,
        )
        self._backoff = scaler.get_backoff_factor() if scaler is not None else 1.0
        self._context = Context(
            source_format="recorder",
            trivial_loss=trivial_loss,
            clip_max_norm=clip_max_norm,
            clip_measured="post",
        )
        self._failures: list[str] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begins to record; what `with` calls. Once: a second run needs a new recorder.

        Raises:
            ValueError: `to` is neither an address, nor a file or folder.
            OSError: The file or folder cannot be written.
        """
        if not self._is_wanted or self._is_active:
            return
        if self._has_ended:
            self._failures.append(
                "started again after its end, and did not record: make a new recorder"
            )
            logger.warning("%s: %s", self.run, self._failures[-1])
            return
        if self._destination is not None:
            self._sink = self._destination.open()
        self._is_active = True
        self._collector.start()
        # For trainings that end without a word: what was recorded is kept.
        atexit.register(self.close)

    def close(self) -> None:
        """Takes every hook off, and finishes the recording."""
        if not self._is_active:
            return
        self._is_active, self._has_ended = False, True
        atexit.unregister(self.close)
        if not self._feed.num_rows and not self._failures:
            self._failures.append("no step of the optimizer was seen: is it the one?")
        try:
            self._feed.take(self._collector.stop(), self._collector.costs)
            self._feed.flush()
        except Exception as error:  # noqa: BLE001 -- the training has ended well
            self._fail(error)
        if self._feed.writer is not None:
            self._feed.writer.close()
        for note in self.notes:
            logger.info("%s: %s", self.run, note)

    def log(self, **values: float | Tensor) -> None:
        """Adds numbers to the step that is being computed, e.g. `log(loss=loss)`.

        Logged several times in a step, as in gradient accumulation, the mean counts.
        A tensor is read later, so that nobody waits for a GPU.
        """
        if self._is_active:
            self._collector.log(values)

    def before_clipping(self, optimizer: Optimizer | None = None) -> None:
        """Takes the gradient norms now; call it right before clipping.

        Without it they are taken in the optimizer's step: after any clipping.

        Args:
            optimizer: Which one steps next; needed when there are several.
        """
        if optimizer is None and len(self._optimizers) > 1:
            raise ValueError("say which steps next: before_clipping(optimizer)")
        if self._is_active:
            self._context = self._context.model_copy(update={"clip_measured": "pre"})
            chosen = self._optimizers[0] if optimizer is None else _innermost(optimizer)
            self._collector.measure_now(chosen)

    @property
    def cost(self) -> Cost:
        """What recording took so far."""
        writer = self._feed.writer
        seconds = 0.0 if writer is None else writer.cpu_seconds
        return replace(self._feed.cost, writing_seconds=seconds)

    @property
    def notes(self) -> list[str]:
        """What was done to stay within the budget, what failed, what was lost."""
        writer = self._feed.writer
        governor = self._feed.governor_note
        return [
            *([governor] if governor else []),
            *self._failures,
            *(
                f"a name of {len(given)} characters is shortened to {name}"
                for given, name in self._collector.renamed.items()
            ),
            *(
                f"{path} cannot be watched: {reason}"
                for path, reason in self._collector.sampling.ledger.failures.items()
            ),
            *(writer.notes if writer is not None else []),
        ]

    def trace(self) -> Trace:
        """Everything recorded so far."""
        if self._is_active:
            self._feed.flush()
        writer = self._feed.writer
        if writer is None:
            return Trace(self.run, (), np.zeros(0, np.int64), {}, {}, self._context)
        return writer.trace()

    def _make_writer(self) -> Writer:
        seen = self._collector.sampling.activations
        order = self._subject.depth_order(seen.order)
        layers = self._subject.layers
        context = self._context.model_copy(
            update={
                "layer_order": "given" if seen.order else "file",
                "batch_size": seen.batch_size,
                "hides": self._subject.hides,
            }
        )
        header = Header(self.run, tuple(layers[i].traced for i in order), context)
        assembly = Assembly(order, self._subject.owners, backoff=self._backoff)
        return Writer(header, assembly, self._sink)

    def _take(self, row: Row) -> None:
        self._collector.costs = self._feed.take(row, self._collector.costs)
        if self._feed.writer is not None:
            self._collector.wants_exact = self._feed.writer.wants_exact

    def _fail(self, error: Exception) -> None:
        """Notes why the recording ended; the training goes on."""
        self._failures.append(f"recording stopped: {type(error).__name__}: {error}")
        logger.warning("recording stopped", exc_info=error)


def _check_numbers(
    clip_max_norm: float | None, trivial_loss: float | None, first_step: int
) -> None:
    if clip_max_norm is not None and not 0 < clip_max_norm < math.inf:
        raise ValueError("clip_max_norm: a number above 0, or None")
    if trivial_loss is not None and not math.isfinite(trivial_loss):
        raise ValueError("trivial_loss: a finite number, or None")
    if first_step < 0:
        raise ValueError("first_step: 0 or more")


def _have_common(
    parameters: Sequence[nn.Parameter], optimizers: Sequence[Optimizer]
) -> bool:
    moved = {p for o in optimizers for group in o.param_groups for p in group["params"]}
    return not moved.isdisjoint(parameters)


def _innermost(optimizer: Optimizer) -> Optimizer:
    """The optimizer that steps, inside of what accelerate and others put around."""
    while isinstance(inner := getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = inner
    return optimizer


def _rank() -> int | None:
    """Number of this process in a distributed training; null: there is none."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank()
    return None
