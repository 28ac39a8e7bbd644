"""What the loss of a log tells about learning, and what it does not."""

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from ..schemas.trace import Context
from .blocks import Floats
from .points import Points
from .robust import noise_of, segments, smooth, spread_of, tau

Learning = Literal["learned", "stuck", "diverged", "unknown"]

# Fewer logged losses say nothing about learning.
MIN_LOSSES = 10
# Parts of the run whose medians are ranked for a trend.
NUM_SEGMENTS = 20
# Share of the last points that are the end, and at least this many points.
END_SHARE, MIN_END = 0.05, 3
# A fall counts from this share of the start, and so many times the noise of a point.
FALL_SHARE, FALL_NOISE = 0.01, 4.0
# Rank correlation from which a curve has a trend (20 segments without one: 99.7 %
# lie within 0.45).
TREND = 0.5
# Part of the run at its end that must be flat for the loss to be stuck.
FLAT_SHARE = 0.6
# Losses at chance scatter by less than this share: every prediction is the same.
QUIET_SHARE = 0.02
# Within this share of the whole fall the loss is as low as at the end.
PLATEAU_SHARE = 0.03
# Nearness, as a share, to the loss of a constant predictor.
CHANCE_SHARE, TRIVIAL_SHARE = 0.005, 0.03
# A network that never learned did not start far above chance.
CHANCE_START = 1.5
# Equal losses in a row after which nothing moves any more.
MIN_FROZEN = 10
# Shares of what was gained that must be lost again.
LOST_SHARE = 0.25
RISE_NOISE = 6.0
# Losses below 0 that make a loss one that means nothing by its level.
SIGNED_SHARE = 0.02
# log K of classes and vocabularies in use.
_CHANCES = np.log(
    [
        *range(2, 21), 26, 27, 32, 50, 64, 65, 100, 101, 128, 200, 256, 365, 512,
        1_000, 1_024, 10_000, 30_522, 32_000, 32_768, 50_257, 50_304, 128_256, 151_936,
    ]
)  # fmt: skip
# Series beside which a loss is a policy's or a game's: its level says nothing.
_GAMES = re.compile(
    r"(?:^|[/._\s])(?:rewards?|advantages?|policy|discriminator|generator|[dg]_loss|"
    r"loss_[dg])(?:$|[/._\s])",
    re.IGNORECASE,
)
# ... unless it ends so many times above all of the first half.
GAME_FACTOR = 3.0
# A curve that came back so often from a rise is one that goes up and down.
MAX_RETURNS = 1


@dataclass(frozen=True)
class LossReading:
    """The loss of one run.

    Args:
        points: As logged; NaN where nothing was finite.
        context: Says the loss of the best constant predictor, where that is known.
        series_names: Of everything that was logged beside it.
    """

    points: Points
    context: Context
    series_names: frozenset[str] = frozenset()

    @cached_property
    def _known(self) -> Points:
        return self.points.only_finite()

    @property
    def values(self) -> Floats:
        """[N] finite losses."""
        return self._known.values

    @property
    def is_enough(self) -> bool:
        """Whether learning can be spoken of at all."""
        return len(self.values) >= MIN_LOSSES

    @cached_property
    def noise(self) -> float:
        """Standard deviation of a point around the trend."""
        return noise_of(self.values)

    @cached_property
    def curve(self) -> Floats:
        """[N] the loss without its noise."""
        return smooth(self.values)

    @property
    def start(self) -> float:
        """Median of the first three losses."""
        return float(np.median(self.values[:3]))

    @cached_property
    def end(self) -> float:
        """Median of the last 5 %."""
        count = max(MIN_END, round(END_SHARE * len(self.values)))
        return float(np.median(self.values[-count:]))

    @cached_property
    def best(self) -> float:
        """The least smoothed loss."""
        return float(self.curve.min())

    @cached_property
    def best_step(self) -> int:
        """Where it was."""
        return int(self._known.steps[self.curve.argmin()])

    @cached_property
    def fell(self) -> bool:
        """Whether the loss came down by more than noise, anywhere in the run."""
        if not self.is_enough:
            return False
        drop = self.start - self.best
        if drop < FALL_SHARE * abs(self.start):
            return False
        parts = segments(self.values, NUM_SEGMENTS)
        return drop > FALL_NOISE * self.noise + self._wander or (
            tau(parts) < -TREND and parts[0] - parts[-1] > 2 * self._segment_noise
        )

    @property
    def _segment_noise(self) -> float:
        return self.noise / math.sqrt(max(1, len(self.values) / NUM_SEGMENTS))

    @cached_property
    def _wander(self) -> float:
        """Slow ups and downs that are no trend, as in games: they are noise as well."""
        parts = segments(self.values, NUM_SEGMENTS)
        if abs(tau(parts)) >= TREND:
            return 0.0
        later = parts[len(parts) // 4 :]
        return FALL_NOISE * spread_of(later)

    @cached_property
    def is_signed(self) -> bool:
        """Whether the loss is below 0 now and then."""
        return bool(np.mean(self._known.low < 0) > SIGNED_SHARE)

    @cached_property
    def is_game(self) -> bool:
        """Whether its level means nothing: a policy's loss, or a game's."""
        if any(map(_GAMES.search, self.series_names)):
            return True
        if self.fell:
            return False
        centre = abs(float(np.median(self.values)))
        is_noise = centre < 2 * max(self.noise, spread_of(self.values))
        return self.is_signed or is_noise or self.start == 0

    @cached_property
    def plateau_step(self) -> int | None:
        """Where the loss was first as low as at the end; null: it still falls."""
        if not self.is_enough or not self.fell:
            return None
        margin = max(PLATEAU_SHARE * (self.start - self.end), 3 * self._segment_noise)
        low = np.flatnonzero(self.curve <= self.end + margin)
        first = int(low[0]) if len(low) else len(self.curve)
        if first >= (1 - 2 * END_SHARE) * len(self.curve):
            return None
        return int(self._known.steps[first])

    def fell_after(self, step: int) -> bool | None:
        """Whether the loss came down between a step and the end; null: unknown."""
        later = self.values[self._known.steps >= step]
        if len(later) < MIN_LOSSES:
            return None
        parts = segments(later, NUM_SEGMENTS)
        early = float(np.median(parts[: max(1, len(parts) // 5)]))
        drop = early - float(np.median(parts[-max(1, len(parts) // 5) :]))
        error = self.noise / math.sqrt(max(1, len(later) / 5))
        return drop > max(FALL_SHARE * abs(early), 3 * error)

    @cached_property
    def is_flat(self) -> bool:
        """Whether it neither falls nor rises over the last 60 % of the run."""
        later = self.values[-round(FLAT_SHARE * len(self.values)) :]
        parts = segments(later, NUM_SEGMENTS)
        moved = abs(parts[-1] - parts[0])
        return abs(tau(parts)) < TREND or moved < 0.001 * abs(self.end)

    @cached_property
    def num_frozen(self) -> int:
        """Losses at the end that are all the same number."""
        known = self._known
        differs = (known.low != known.high) | (known.values != known.values[-1])
        others = np.flatnonzero(differs)
        first = int(others[-1]) + 1 if len(others) else 0
        return int(known.counts[first:].sum())

    @property
    def is_frozen(self) -> bool:
        """Whether the loss does not change by a single bit any more."""
        return self.is_enough and self.num_frozen >= MIN_FROZEN

    @cached_property
    def chance(self) -> float | None:
        """The loss of a constant predictor at which the run ended; null: none."""
        trivial = self.context.trivial_loss
        if trivial is not None:
            is_at = self.end >= trivial - TRIVIAL_SHARE * abs(trivial)
            return trivial if is_at else None
        if self.is_game or not self._stayed_quiet:
            return None
        nearest = float(_CHANCES[np.abs(_CHANCES - self.end).argmin()])
        return nearest if abs(self.end - nearest) < CHANCE_SHARE * nearest else None

    @property
    def _stayed_quiet(self) -> bool:
        """Flat, hardly scattered, and never much above: as if nothing was learned."""
        return (
            self.is_flat
            and self.noise < QUIET_SHARE * abs(self.end)
            and self.start < CHANCE_START * self.end
            and not self._began_later
        )

    @property
    def _began_later(self) -> bool:
        """Whether the log is the continuation of a run: what fell may have fallen."""
        steps = self.points.steps
        return bool(len(steps) > 1 and steps[0] > 10 * (steps[1] - steps[0]))

    @cached_property
    def lost(self) -> float:
        """Share of what was gained that the end has lost again; 1: back at the start.

        Above 1 where the end is above the start.
        """
        gained = max(self.start - self.best, FALL_NOISE * self.noise, 1e-12)
        return (self.end - self.best) / gained

    @cached_property
    def diverged(self) -> bool:
        """Whether the loss rose, by far more than noise, and stayed up."""
        if not self.is_enough:
            return False
        rise = self.end - self.best
        is_real = rise > RISE_NOISE * self.noise and self._num_returns <= MAX_RETURNS
        if not is_real or self.lost < LOST_SHARE:
            return False
        # A game's loss may rise by its nature, but not out of all proportion.
        half = np.abs(self.values[: len(self.values) // 2])
        return not self.is_game or bool(self.end > GAME_FACTOR * half.max())

    @property
    def _num_returns(self) -> int:
        """How often the curve came back after it had been most of the way up."""
        rise = self.end - self.best
        is_up = self.curve > self.best + 0.7 * rise
        is_down = self.curve < self.best + 0.3 * rise
        sides = (is_up.astype(int) - is_down)[is_up | is_down]
        # The first fall is from the start.
        return max(0, int(np.sum(np.diff(sides) < 0)) - 1)

    @cached_property
    def rise_step(self) -> int:
        """Where the rise began: the last step at which the loss was near its best."""
        near = self.best + 0.1 * (self.end - self.best)
        return int(self._known.steps[np.flatnonzero(self.curve <= near)[-1]])

    @cached_property
    def learning(self) -> Learning:
        """The one word for it."""
        if not self.is_enough:
            return "unknown"
        if self.diverged:
            return "diverged"
        if self.chance is not None or (self.is_frozen and self.end != 0):
            return "stuck"
        return "learned" if self.fell else "unknown"
