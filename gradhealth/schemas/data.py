"""Data tasks: built-in generators and the caller's own sample."""

from typing import Annotated, Literal

from pydantic import Field

from ..documents.base import Document
from ..layers.base import Signal, Size

MAX_CLASSES = 10_000
MAX_VOCABULARY = 4_096
Classes = Annotated[int, Field(ge=2, le=MAX_CLASSES)]
SampleCount = Annotated[int, Field(ge=2, le=65_536)]
Noise = Annotated[float, Field(ge=0)]


class Task(Document):
    """What every task shares."""

    standardize: bool = False
    standardize_target: bool = False

    def signal(self) -> Signal | None:
        """The shape of one sample; null when `input` must say it."""
        return None


class Generated(Task):
    """A task drawn anew for each seed."""

    n: SampleCount = 1024

    @property
    def num_drawn(self) -> int:
        """About how many numbers are drawn for one data set."""
        signal = self.signal()
        assert signal is not None
        return self.n * signal.size


class Clusters(Generated):
    """Gaussian blobs: x = (centre + noise * N(0,1)) * scale + shift."""

    task: Literal["clusters"] = "clusters"
    features: Size = 16
    classes: Classes = 4
    blobs: Annotated[int, Field(ge=1, le=1_000)] = 3
    noise: Noise = 0.35
    scale: float = 1.0
    shift: float = 0.0

    @property
    def num_drawn(self) -> int:
        return (self.n + self.classes * self.blobs) * self.features

    def signal(self) -> Signal:
        return Signal((self.features,))


class Images(Generated):
    """Gratings whose direction is the class, with a random phase and noise."""

    task: Literal["images"] = "images"
    channels: Size = 1
    size: Size = 12
    classes: Classes = 4
    noise: Noise = 0.5

    def signal(self) -> Signal:
        return Signal((self.channels, self.size, self.size))


class Regression(Generated):
    """y = (sin(2 x.a) + 0.5 x.b) * target_scale."""

    task: Literal["regression"] = "regression"
    features: Size = 8
    target_scale: float = 1.0

    def signal(self) -> Signal:
        return Signal((self.features,))


class Reconstruction(Generated):
    """x = tanh(z W) from a few latents; y = x."""

    task: Literal["reconstruction"] = "reconstruction"
    features: Size = 16
    latent: Size = 4

    @property
    def num_drawn(self) -> int:
        return (self.n + self.features) * self.latent + self.n * self.features

    def signal(self) -> Signal:
        return Signal((self.features,))


class Recall(Generated):
    """Noise with one cue `lag` steps before the end: which feature was it?"""

    task: Literal["recall"] = "recall"
    length: Size = 40
    features: Size = 8
    classes: Classes = 4
    noise: Noise = 0.3
    lag: Size | None = None

    def signal(self) -> Signal:
        return Signal((self.length, self.features))


class Adding(Generated):
    """The sum of two marked values (Hochreiter & Schmidhuber 1997)."""

    task: Literal["adding"] = "adding"
    length: Annotated[int, Field(ge=2, le=2**20)] = 40

    def signal(self) -> Signal:
        return Signal((self.length, 2))


class MarkovLm(Generated):
    """Predict the next token of a Markov chain; its floor is the entropy rate."""

    task: Literal["markov_lm"] = "markov_lm"
    vocab_size: Annotated[int, Field(ge=2, le=MAX_VOCABULARY)] = 12
    length: Size = 16

    def signal(self) -> Signal:
        return Signal((self.length,), self.vocab_size)


class Digits(Task):
    """scikit-learn's 1,797 images of handwritten digits, each pixel standardised."""

    task: Literal["digits"] = "digits"

    @property
    def classes(self) -> int:
        """The ten digits."""
        return 10


class Array(Document):
    """An inline array: a base64 `.npy` file of float32, float64 or int64, C order."""

    npy: str


class Inline(Task):
    """The caller's own sample, at most 8 MiB decoded."""

    x: Array
    y: Array


class Classification(Inline):
    """x [n, ...] float and y [n] class numbers."""

    task: Literal["classification"]


class RegressionData(Inline):
    """x [n, ...] float and y [n] or [n, ...] float."""

    task: Literal["regression_data"]


class LanguageModel(Inline):
    """x [n, length] tokens and y [n, length] tokens."""

    task: Literal["language_model"]


Data = Annotated[
    Clusters
    | Images
    | Regression
    | Reconstruction
    | Recall
    | Adding
    | MarkovLm
    | Digits
    | Classification
    | RegressionData
    | LanguageModel,
    Field(discriminator="task"),
]
