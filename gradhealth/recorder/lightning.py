"""The recorder for Lightning: `Trainer(..., callbacks=[RecorderCallback()])`."""

from typing import Any

from lightning.pytorch import Callback
from torch import Tensor

from .recorder import Recorder


class RecorderCallback(Callback):  # type: ignore[misc]  # need not be installed
    """Records every fit: losses, norms before clipping, validation losses.

    Args:
        settings: Of the `Recorder`: `to`, `run`, `budget`, ...

    Attributes:
        recorder: Of the latest fit; null before the first.
    """

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self.recorder: Recorder | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        clips_norm = trainer.gradient_clip_algorithm in (None, "norm")
        self._scaler = getattr(trainer.precision_plugin, "scaler", None)
        self.recorder = Recorder(
            pl_module,
            trainer.optimizers,
            scaler=self._scaler,
            clip_max_norm=(trainer.gradient_clip_val or None) if clips_norm else None,
            first_step=trainer.global_step,
            **self._settings,
        )
        self.recorder.start()

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Tensor) -> None:
        if self.recorder is None:
            return
        # What comes here is scaled for float16, and divided by the batches of a step.
        value = loss.detach() * trainer.accumulate_grad_batches
        if self._scaler is not None:
            value = value / self._scaler._get_scale_async()  # noqa: SLF001
        self.recorder.log(loss=value)

    def on_before_optimizer_step(
        self, trainer: Any, pl_module: Any, optimizer: Any
    ) -> None:
        if self.recorder is not None:
            self.recorder.before_clipping(optimizer)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        loss = trainer.callback_metrics.get("val_loss")
        if self.recorder is not None and loss is not None:
            self.recorder.log(eval_loss=loss)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._close()

    def on_exception(
        self, trainer: Any, pl_module: Any, exception: BaseException
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self.recorder is not None:
            self.recorder.close()
