"""What the names in logs mean: which series, or which statistic of which layer.

Loggers agree on little but the words: `train/grad_norm`, `gradients/fc.weight`,
`grad_2.0_norm/fc.weight`, `grad/fc.weight.norm`. Names are compared without case, with
every separator as an underscore.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

# In this order a series takes its values from the first name that is there.
_SERIES = {
    "loss": r"loss|losses|lm_loss|total_loss|loss_total|cross_?entropy_?loss|ce_loss"
    r"|nll_loss|mean_loss|loss_mean|avg_loss|loss_avg|batch_loss|cost",
    "grad_norm": r"(?:total_|global_)?grad(?:ient)?s?_?(?:2_0_|2_)?norms?(?:_total)?"
    r"|gnorm|grad_l2",
    "lr": r"(?:lr|learning_?rates?)(?:_(?:group_?)?0|_group0|_pg1)?"
    r"|lr_(?:sgd|adam|adamw|rmsprop|adagrad|nadam|radam)",
    "loss_scale": r"loss_scale|grad_scale|scaler_scale",
    "clipped": r"clipped|is_clipped|grad_clipped|clip_fraction_grad",
    "skipped": r"skipped|num_skipped|(?:number_of_)?skipped_iterations",
}
# Words that stand before a series' own name and say nothing about it, or how it was
# averaged: a name without them is preferred.
_BEFORE = r"(?:(?:train|training|trainer|optim|optimizer|metrics|stats|history)_)*"
_AFTER = r"(?:_(?P<how>step|train|ema|avg|mean|epoch))?"
_PATTERNS = {
    series: re.compile(f"(?P<before>{_BEFORE})(?:{core}){_AFTER}")
    for series, core in _SERIES.items()
}
_RANK_OF_HOW = {
    None: 0,
    "train": 0,
    "step": 0,
    "mean": 2,
    "avg": 2,
    "ema": 3,
    "epoch": 4,
}
# Every name with a loss that was not trained on.
_EVAL_LOSS = re.compile(
    r"(?:.*_)?(?:val|valid|validation|eval|evaluation|test|dev)_(?:.*_)?"
    r"(?:crossentropy)?loss(?:es)?"
    r"(?:_epoch|_step)?|loss(?:es)?_(?:val|valid|validation|eval|test|dev)"
    r"|epoch_(?:val|validation)_loss"
)
_EPOCH_LOSS = re.compile(r"epoch_loss")
# Statistics of layers, as the word before or after the layer's name.
_STATISTICS = {
    "grad_norm": r"grad(?:ient)?s?(?:_2(?:\.0)?)?(?:_norms?)?(?:_l2)?|gradients?_l2",
    "weight_norm": r"weights?_norms?|param(?:eter)?s?_norms?|weights?|param(?:eter)?s?",
    "update_ratio": r"updates?(?:_to)?_(?:weights?_|params?_)?ratios?"
    r"|update_weight_ratio",
    "forward_std": r"forward_stds?|act(?:ivation)?s?_stds?",
    "backward_gain": r"backward_gains?",
    "dead_fraction": r"dead_fractions?|dead_relus?",
    "saturated_fraction": r"saturated_fractions?",
}
# These words alone do not say that a size is meant: a histogram's is known.
_VAGUE = re.compile(r"weights?|param(?:eter)?s?")
_LAYER_FIRST = re.compile(r"(?P<layer>.+?)[/.:](?P<word>[^/.:]+(?:\.0_norms?)?)")
_WORD_FIRST = re.compile(r"(?P<word>[^/:]+?)[/:](?P<layer>.+)")
_JOINED = re.compile(
    r"(?:(?:grad(?:ient)?s?_?norms?|gnorm)_(?=(?:layer|block|conv|fc|h|l)_?\d)"
    r"|grad_2(?:\.0)?_norm_(?=.*\.))(?P<layer>.+)"
)
_PREFIX = re.compile(
    r"(?:train|training|trainer|optim|optimizer|debug|model|metrics|stats|graph_\d+)"
    r"[/:]",
    re.IGNORECASE,
)
# A parameter's own name, under which its values are counted.
_PARAMETER = re.compile(r".+[./](?:weight|bias|kernel)(?::0)?")
# What else is said about a layer's gradients: no sizes.
_OTHER_STATISTIC = re.compile(
    r".*[/._](?:mean|std|min|max|avg|average|median|var|variance|p\d+|l1|linf|sparsity"
    r"|zeros|cosine|cos|count|num|sum|hist)",
    re.IGNORECASE,
)
_NORM_AFTER = re.compile(r"(?P<layer>.+)[/._](?:norms?|l2|l2_norm)", re.IGNORECASE)
_OF_ALL = frozenset({"total", "global", "all", "total_norm", "norm"})
_CLOCKS = re.compile(
    r"_?(?:timestamps?|runtime|wall_?time|time|datetime|date|elapsed(?:_time)?"
    r"|remaining(?:_time)?|relative_time_.*|eta.*)|_wandb.*|system_.*"
)
STEPS = (
    "global_step", "trainer_global_step", "train_global_step", "step", "_step",
    "steps", "iteration", "iterations", "iter", "current_steps", "train_step",
    "num_updates", "update", "batch", "epoch", "epochs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OfRun:
    """A number a step; of several names the lowest rank is taken."""

    series: str
    rank: int = 0


@dataclass(frozen=True, slots=True)
class OfLayer:
    """A number a step of one layer.

    Attributes:
        is_vague: A size is meant only where the values come from histograms.
    """

    statistic: str
    layer: str
    is_vague: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    """A clock, or another statistic of a layer."""


Meaning: TypeAlias = OfRun | OfLayer | Ignored
Kind = Literal["series", "layer"]
KNOWN_SERIES = (*_SERIES, "eval_loss")
KNOWN_STATISTICS = (*_STATISTICS,)


@cache
def plain(name: str) -> str:
    """A name without case, separators as underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def step_rank(name: str) -> int | None:
    """How good a name is for the axis of steps, 0 the best; None for no such name."""
    word = "_step" if name == "_step" else plain(name)
    return STEPS.index(word) if word in STEPS else None


def meaning_of(name: str) -> Meaning | None:
    """What a name means; None for a number that nothing is known about."""
    word = plain(name)
    if _CLOCKS.fullmatch(word):
        return Ignored()
    return _of_run(word) or _of_layer(name)


def _of_run(word: str) -> OfRun | None:
    for series, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(word):
            return OfRun(series, _RANK_OF_HOW[found["how"]] + bool(found["before"]))
    if _EPOCH_LOSS.fullmatch(word):
        return OfRun("loss", 5)
    if _EVAL_LOSS.fullmatch(word):
        return OfRun("eval_loss", len(word))
    return None


def _of_layer(name: str) -> Meaning | None:
    short = _PREFIX.sub("", name)
    if joined := _JOINED.fullmatch(short.lower()):
        return OfLayer("grad_norm", short[joined.start("layer") :])
    if _PARAMETER.fullmatch(short) and not _word_first(short):
        return OfLayer("weight_norm", short, is_vague=True)
    for pattern in (_WORD_FIRST, _LAYER_FIRST):
        found = pattern.fullmatch(short)
        statistic = found and _statistic(found["word"])
        if found and statistic:
            return _of_its_layer(statistic, found["word"], found["layer"])
    return None


def _word_first(short: str) -> bool:
    found = _WORD_FIRST.fullmatch(short)
    return found is not None and _statistic(found["word"]) is not None


def _statistic(word: str) -> str | None:
    lower = word.lower().replace("-", "_").replace(" ", "_")
    matches = (s for s, pattern in _STATISTICS.items() if re.fullmatch(pattern, lower))
    return next(matches, None)


def _of_its_layer(statistic: str, word: str, layer: str) -> Meaning:
    if layer.lower() in _OF_ALL:
        return OfRun(statistic, 2)
    is_vague = bool(_VAGUE.fullmatch(word.lower()))
    if found := _NORM_AFTER.fullmatch(layer):
        return OfLayer(statistic, found["layer"])
    if is_vague and layer.endswith("_norm"):
        return OfLayer(statistic, layer.removesuffix("_norm"))
    if _OTHER_STATISTIC.fullmatch(layer):
        return Ignored()
    return OfLayer(statistic, layer, is_vague)
