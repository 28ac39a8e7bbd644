"""What the loss of a log tells about learning, and what it does not."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from ...schemas.trace import Context
from .blocks import Floats
from .chance import EXACT_SHARE, NEAR_SHARE, chance_near
from .games import is_game
from .points import Points
from .robust import noise_of, num_legs, segments, smooth, spread_of, tau

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
# A curve that moves by less than this share of its level is flat.
STILL_SHARE = 0.005
# Nearness, as a share, to the given loss of a constant predictor.
TRIVIAL_SHARE = 0.03
# A network that never learned did not start far above chance.
CHANCE_START = 1.5
# Where the loss came down by this share of its start, something was learned, or a bad
# start was undone. The output layer's scale and biases do the latter: within the first
# tenth of the run nine tenths of the way, and to chance, not near it.
CLEAR_SHARE, UNDONE_SHARE, LEFT_SHARE = 0.1, 0.1, 0.1
# No loss that is to be learned starts so near 0; the losses of policies do.
NEAR_ZERO = 0.01
# Equal losses in a row after which nothing moves any more.
MIN_FROZEN = 10
# Digits behind the point that are looked for, and units of the last one of them from
# which equal losses are not equal by rounding.
MAX_DIGITS, MIN_UNITS = 6, 100
# Shares of what was gained that must be lost again.
LOST_SHARE = 0.25
RISE_NOISE = 6.0
# Losses below 0 that make a loss one that means nothing by its level.
SIGNED_SHARE = 0.02
# ... unless it ends so many times above all of the first half.
GAME_FACTOR = 3.0
# A run that diverges falls, rises, and may come back from one rise before; a curve with
# more legs of a third of the last rise's length goes up and down by its nature.
LEG_SHARE, MAX_LEGS = 0.35, 4


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
        moving = len(self.values) - (self.num_frozen if self.is_frozen else 0)
        return noise_of(self.values[: max(3, moving)])

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
    def level(self) -> float:
        """Median of the last 60 %."""
        return float(np.median(self.values[-self._num_late :]))

    @property
    def _num_late(self) -> int:
        return max(1, round(FLAT_SHARE * len(self.values)))

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
        if is_game(self.series_names):
            return True
        if self.fell:
            return False
        centre = abs(float(np.median(self.values)))
        is_noise = centre < 2 * self.noise
        return self.is_signed or is_noise or abs(self.start) < NEAR_ZERO

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
        parts = segments(self.values[-self._num_late :], NUM_SEGMENTS)
        moved = abs(parts[-1] - parts[0])
        return bool(abs(tau(parts)) < TREND or moved < STILL_SHARE * abs(self.level))

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
        is_equal = self.is_enough and self.num_frozen >= MIN_FROZEN
        return is_equal and not self._is_rounded_off

    @cached_property
    def _is_rounded_off(self) -> bool:
        """Whether the last loss is so few units of the last digit that was logged.

        A loss of 0.0012 among others of four digits may be equal to the one before it
        and still fall.
        """
        values, last = self.values, abs(float(self.values[-1]))
        if not last or self.num_frozen >= len(values):
            return False
        for digits in range(MAX_DIGITS + 1):
            units = values * 10.0**digits
            if np.allclose(units, np.rint(units), rtol=0, atol=1e-3):
                return last * 10.0**digits < MIN_UNITS
        return False

    @cached_property
    def chance(self) -> float | None:
        """The loss of a constant predictor at which the run ended; null: none."""
        trivial = self.context.trivial_loss
        if trivial is not None:
            margin = max(TRIVIAL_SHARE * abs(trivial), 3 * self._segment_noise)
            return trivial if self.level >= trivial - margin else None
        if self.is_game or not self._stayed_quiet:
            return None
        if not self.fell_clearly:
            return chance_near(self.level, NEAR_SHARE)
        if not self._fell_at_once:
            return None
        error = 3 * self._level_error / abs(self.level)
        return chance_near(self.level, max(EXACT_SHARE, error))

    @property
    def fell_clearly(self) -> bool:
        """Whether the loss came down by a tenth of its start and more."""
        return self.start - self.level > CLEAR_SHARE * abs(self.start)

    @property
    def _fell_at_once(self) -> bool:
        """Whether it did so at the start of the run and not by and by."""
        num_first = max(MIN_END, round(UNDONE_SHARE * len(self.values)))
        then = np.median(self.values[num_first : num_first + MIN_END])
        left = LEFT_SHARE * (self.start - self.level) + 2 * self.noise
        return bool(then - self.level < left)

    @property
    def _level_error(self) -> float:
        """Standard error of `level`, a median."""
        return 1.25 * self.noise / math.sqrt(self._num_late)

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
        # What is too little for a fall is too little for a rise: a full batch has no
        # noise that either could drown in.
        is_seen = rise > FALL_SHARE * abs(self.start)
        is_real = rise > RISE_NOISE * self.noise and not self._goes_up_and_down
        if not (is_seen and is_real) or self.lost < LOST_SHARE:
            return False
        # A game's loss may rise by its nature, but not out of all proportion.
        half = np.abs(self.values[: len(self.values) // 2])
        return not self.is_game or bool(self.end > GAME_FACTOR * half.max())

    @property
    def _goes_up_and_down(self) -> bool:
        """Whether the curve had turned as far as its last rise before, and often."""
        legs = num_legs(self.curve, LEG_SHARE * (self.end - self.best))
        return legs > MAX_LEGS

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
