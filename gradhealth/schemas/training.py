"""How a network is trained: optimizer, schedule, precision, initialisation rules."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ..documents.base import Document, nearest, quoted

Rate = Annotated[float, Field(ge=0)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Betas = Annotated[list[Beta], Field(min_length=2, max_length=2)]
Positive = Annotated[float, Field(gt=0)]
Steps = Annotated[int, Field(ge=0, le=1_000_000)]


class _Optimizer(Document):
    """Every optimizer's learning rate and decay, with torch's names."""

    weight_decay: Rate = 0.0
    maximize: Literal[False] = False


class SGD(_Optimizer):
    """Stochastic gradient descent."""

    type: Literal["SGD"] = "SGD"
    lr: Rate = 0.1
    momentum: Rate = 0.0
    dampening: float = 0.0
    nesterov: bool = False

    @model_validator(mode="after")
    def _check_nesterov(self) -> Self:
        if self.nesterov and (self.momentum <= 0 or self.dampening):
            raise PydanticCustomError(
                "nesterov", "nesterov needs momentum above 0 and dampening 0"
            )
        return self


class _Adam(_Optimizer):
    lr: Rate = 1e-3
    betas: Betas = [0.9, 0.999]
    eps: Rate = 1e-8
    amsgrad: bool = False


class Adam(_Adam):
    """Kingma & Ba 2015."""

    type: Literal["Adam"] = "Adam"


class AdamW(_Adam):
    """Adam with decoupled decay (Loshchilov & Hutter 2019)."""

    type: Literal["AdamW"] = "AdamW"
    weight_decay: Rate = 1e-2


class RMSprop(_Optimizer):
    """Tieleman & Hinton 2012."""

    type: Literal["RMSprop"] = "RMSprop"
    lr: Rate = 1e-2
    alpha: Beta = 0.99
    eps: Rate = 1e-8
    momentum: Rate = 0.0
    centered: bool = False


class Adagrad(_Optimizer):
    """Duchi 2011."""

    type: Literal["Adagrad"] = "Adagrad"
    lr: Rate = 1e-2
    lr_decay: Rate = 0.0
    initial_accumulator_value: Rate = 0.0
    eps: Rate = 1e-10


class NAdam(_Optimizer):
    """Dozat 2016."""

    type: Literal["NAdam"] = "NAdam"
    lr: Rate = 2e-3
    betas: Betas = [0.9, 0.999]
    eps: Rate = 1e-8
    momentum_decay: Rate = 4e-3
    decoupled_weight_decay: bool = False


class RAdam(_Optimizer):
    """Liu 2020."""

    type: Literal["RAdam"] = "RAdam"
    lr: Rate = 1e-3
    betas: Betas = [0.9, 0.999]
    eps: Rate = 1e-8
    decoupled_weight_decay: bool = False


Optimizer = Annotated[
    SGD | Adam | AdamW | RMSprop | Adagrad | NAdam | RAdam, Field(discriminator="type")
]


class Constant(Document):
    """The rate stays as it is."""

    type: Literal["constant"] = "constant"


class LinearWarmup(Document):
    """The rate rises linearly over the first steps."""

    type: Literal["linear_warmup"]
    warmup_steps: Steps


class Cosine(Document):
    """Warm-up, then half a cosine down to `final_ratio` of the rate."""

    type: Literal["cosine"]
    warmup_steps: Steps = 0
    final_ratio: Annotated[float, Field(ge=0, le=1)] = 0.0


Schedule = Annotated[Constant | LinearWarmup | Cosine, Field(discriminator="type")]
Loss = Literal[
    "auto",
    "cross_entropy",
    "bce_with_logits",
    "bce",
    "nll_of_softmax",
    "mse",
    "mse_onehot",
    "mae",
    "huber",
]
Precision = Literal["float32", "bfloat16", "float16", "amp_bfloat16", "amp_float16"]


class Pretrain(Document):
    """Greedy layer-wise pretraining (Bengio 2007)."""

    type: Literal["layerwise"]
    steps_per_layer: Annotated[int, Field(ge=1, le=5_000)]


class Training(Document):
    """The training run that is watched."""

    optimizer: Optimizer = SGD()
    steps: Annotated[int, Field(ge=1)] = 200
    batch_size: Annotated[int, Field(ge=1)] = 64
    loss: Loss = "auto"
    loss_scale: Positive = 1.0
    clip_grad_norm: Positive | None = None
    clip_grad_value: Positive | None = None
    l1: Rate = 0.0
    schedule: Schedule = Constant()
    precision: Precision = "float32"
    pretrain: Pretrain | None = None


class Probe(Document):
    """Where and how often to measure; `steps` null: 8 log-spaced in between."""

    seeds: Annotated[
        list[Annotated[int, Field(ge=0, lt=2**31)]], Field(min_length=1, max_length=16)
    ] = [0, 1, 2]
    samples: Annotated[int, Field(ge=1, le=65_536)] = 256
    steps: (
        Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=5_001)] | None
    ) = None


# Arguments of each torch.nn.init function (and of ours), with their defaults.
INIT_FUNCTIONS: dict[str, dict[str, Any]] = {
    "uniform_": {"a": 0.0, "b": 1.0},
    "normal_": {"mean": 0.0, "std": 1.0},
    "trunc_normal_": {"mean": 0.0, "std": 1.0, "a": -2.0, "b": 2.0},
    "constant_": {"val": None},
    "ones_": {},
    "zeros_": {},
    "eye_": {},
    "dirac_": {"groups": 1},
    "xavier_uniform_": {"gain": 1.0},
    "xavier_normal_": {"gain": 1.0},
    "kaiming_uniform_": {"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"},
    "kaiming_normal_": {"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"},
    "orthogonal_": {"gain": 1.0},
    "sparse_": {"sparsity": None, "std": 0.01},
    "lecun_normal_": {},
    "lsuv_": {},
}


# Far beyond any use, and their products still within float32.
LARGEST = 1e12
Weight = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Size = Annotated[float, Field(ge=0, le=LARGEST)]


class InitRule(Document):
    """Fills the parameters whose name matches; later rules overwrite earlier ones.

    `match` is a case-sensitive glob on `<LayerType>.<parameter>` and on
    `<path>.<parameter>`. `gain` is the function's own where it has one, else a factor
    on the result.
    """

    match: Annotated[str, Field(max_length=200)]
    fn: str | None = None
    value: Weight | None = None
    gain: Size | None = None
    a: Weight | None = None
    b: Weight | None = None
    mean: Weight | None = None
    std: Size | None = None
    val: Weight | None = None
    mode: Literal["fan_in", "fan_out"] | None = None
    nonlinearity: (
        Literal[
            "linear",
            "sigmoid",
            "tanh",
            "relu",
            "leaky_relu",
            "selu",
            "conv1d",
            "conv2d",
            "conv3d",
        ]
        | None
    ) = None
    sparsity: Annotated[float, Field(ge=0, le=1)] | None = None
    groups: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _check_function(self) -> Self:
        if (self.fn is None) == (self.value is None):
            raise PydanticCustomError("init_fn", "write either 'fn' or 'value'")
        if self.fn is None:
            self._refuse_arguments(set(), "value")
            return self
        if self.fn not in INIT_FUNCTIONS:
            raise PydanticCustomError(
                "init_fn",
                "unknown init function {fn}{hint}",
                {
                    "fn": quoted(self.fn),
                    "key": "fn",
                    "hint": nearest(self.fn, [*INIT_FUNCTIONS]),
                },
            )
        arguments = INIT_FUNCTIONS[self.fn]
        self._refuse_arguments({*arguments, "gain"}, self.fn)
        for name, default in arguments.items():
            if default is None and getattr(self, name) is None:
                raise PydanticCustomError(
                    "init_fn", "{fn} needs '{name}'", {"fn": self.fn, "name": name}
                )
        self._check_range()
        return self

    def _check_range(self) -> None:
        values = self.arguments()
        if self.fn == "uniform_" and values["a"] > values["b"]:
            raise PydanticCustomError("init_range", "a must be at most b")
        if self.fn == "trunc_normal_":
            a, b, mean, std = (values[key] for key in ("a", "b", "mean", "std"))
            if not a < b or std == 0 or not a - 2 * std <= mean <= b + 2 * std:
                raise PydanticCustomError(
                    "init_range",
                    "needs a < b, std above 0, and mean at most 2 std outside [a, b]",
                )

    def _refuse_arguments(self, allowed: set[str], what: str) -> None:
        given = self.model_fields_set - {"match", "fn", "value"} - allowed
        for name in sorted(given):
            raise PydanticCustomError(
                "init_argument",
                "{what} takes no '{name}'; it takes: {allowed}",
                {
                    "what": what,
                    "name": name,
                    "key": name,
                    "allowed": ", ".join(sorted(allowed)) or "nothing",
                },
            )

    def arguments(self) -> dict[str, Any]:
        """The function's own arguments, defaults filled in."""
        assert self.fn is not None
        defaults = INIT_FUNCTIONS[self.fn]
        given = {name: getattr(self, name) for name in defaults}
        return {
            name: defaults[name] if value is None else value
            for name, value in given.items()
        }
