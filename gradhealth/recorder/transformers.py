"""The recorder for Hugging Face: `Trainer(..., callbacks=[RecorderCallback()])`."""

from typing import Any

from transformers import TrainerCallback

from .recorder import Recorder

# How the trainer calls what it logs, and how a trace does. Its norm is taken before
# clipping, those of the layers after.
LOGGED = {
    "loss": "loss",
    "eval_loss": "eval_loss",
    "grad_norm": "grad_norm_before_clipping",
}


class RecorderCallback(TrainerCallback):  # type: ignore[misc]  # need not be installed
    """Records a training; the loss is the mean that the trainer logs.

    Args:
        settings: Of the `Recorder`: `to`, `run`, `budget`, ...

    Attributes:
        recorder: Of the latest training; null before the first.
    """

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self.recorder: Recorder | None = None

    def on_train_begin(
        self, args: Any, state: Any, control: Any, **objects: Any
    ) -> None:
        optimizer = objects["optimizer"]
        self.recorder = Recorder(
            objects["model"],
            optimizer,
            scaler=getattr(optimizer, "scaler", None),
            clip_max_norm=args.max_grad_norm or None,
            first_step=state.global_step,
            **self._settings,
        )
        self.recorder.start()

    def on_log(
        self,
        args: Any,
        state: Any,
        control: Any,
        logs: dict[str, Any] | None = None,
        **objects: Any,
    ) -> None:
        if self.recorder is not None:
            known = (logs or {}).items()
            self.recorder.log(
                **{
                    LOGGED[name]: float(value)
                    for name, value in known
                    if name in LOGGED
                }
            )

    def on_train_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        if self.recorder is not None:
            self.recorder.close()
