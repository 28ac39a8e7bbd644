"""One network of a project over time, beside its baseline."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gradhealth.gate.comparison import (
    Measured,
    last_loss,
    log10_gain,
    noise_between,
)
from gradhealth.reports.figures.by_layer import GAIN_LEVELS
from gradhealth.reports.figures.chart import Chart
from gradhealth.reports.figures.marks import Line, Point, Zone
from gradhealth.reports.figures.points import MAX_DECADES
from gradhealth.schemas.overview import Overview
from storage.analyses.filters import Filters
from storage.analyses.overviews import Measured as Stored
from storage.analyses.overviews import OverviewStore

# The newest analyses that are shown.
MAX_ANALYSES = 60
# Labels of the branch that others are held against, the first that there is.
MAIN_BRANCHES = ("main", "master")
CHARACTERS_OF_COMMIT = 8


@dataclass(frozen=True, slots=True)
class Event:
    """An analysis in the history of a network.

    Attributes:
        number: 1 is the oldest shown.
        gain: log10 of the backward gain farthest from 1; null where not measured.
        loss: At the end.
    """

    number: int
    overview: Overview
    gain: Measured | None
    loss: Measured | None

    @property
    def gain_factor(self) -> float | None:
        """The gain itself."""
        return _power(self.gain.value) if self.gain else None

    @property
    def name(self) -> str:
        """When it was, and of which commit."""
        commit = self.overview.labels.get("commit", "")[:CHARACTERS_OF_COMMIT]
        return f"{self.overview.created_at:%Y-%m-%d %H:%M} {commit}".strip()


@dataclass(frozen=True, slots=True)
class History:
    """The analyses of one network, oldest first.

    Attributes:
        names: The networks of the project, the one worked on last first.
        baseline: What the newest one is held against; null where there is none.
        charts: Its numbers over time.
    """

    project: str
    names: Sequence[str]
    name: str | None
    events: Sequence[Event]
    baseline: Event | None
    charts: Sequence[Chart]


class HistoryService:
    """Puts histories together."""

    def __init__(self, store: OverviewStore) -> None:
        self._store = store

    async def find(self, project: str, name: str | None) -> History:
        """The history of a network of a project.

        Args:
            project: The project.
            name: The network's; null is the one that was analysed last.
        """
        names = await self._store.names(project)
        name = name or (names[0] if names else None)
        filters = Filters(project=project, name=name, status="succeeded")
        newest = (await self._store.page(filters, limit=MAX_ANALYSES)).items
        measured = await self._store.measured([each.id for each in newest])
        events = _events(newest[::-1], measured)
        baseline = _baseline(events)
        charts = [_gain_chart(events, baseline), _loss_chart(events, baseline)]
        drawn = [chart for chart in charts if len(chart.lines[0].points) > 1]
        return History(project, names, name, events, baseline, drawn)


def _events(
    overviews: Sequence[Overview], measured: Mapping[str, Stored]
) -> list[Event]:
    return [
        Event(
            number,
            overview,
            log10_gain(measured[overview.id].gains),
            last_loss(measured[overview.id].loss),
        )
        for number, overview in enumerate(overviews, start=1)
        if overview.id in measured
    ]


def _baseline(events: Sequence[Event]) -> Event | None:
    """The newest one of the main branch before the newest; else the one before."""
    earlier = events[:-1]
    for branch in MAIN_BRANCHES:
        of_branch = [e for e in earlier if e.overview.labels.get("branch") == branch]
        if of_branch:
            return of_branch[-1]
    return earlier[-1] if earlier else None


def _gain_chart(events: Sequence[Event], baseline: Event | None) -> Chart:
    known = [(event, event.gain) for event in events if event.gain]
    return Chart(
        title="Backward gain",
        description="The gain farthest from 1 of any layer, at the start of each "
        "analysis.",
        x_label="analysis",
        y_label="gain J",
        lines=[Line("gain", "measured", [_decades(e.number, g) for e, g in known])],
        levels=GAIN_LEVELS,
        zone=_zone(baseline.gain if baseline else None, is_log=True),
        x_names={event.number: event.name for event, _ in known},
        is_log=True,
    )


def _loss_chart(events: Sequence[Event], baseline: Event | None) -> Chart:
    known = [(event, event.loss) for event in events if event.loss]
    return Chart(
        title="Loss at the end",
        description="Mean of the last steps of each analysis.",
        x_label="analysis",
        y_label="loss",
        lines=[Line("loss", "measured", [_units(e.number, m) for e, m in known])],
        zone=_zone(baseline.loss if baseline else None, is_log=False),
        x_names={event.number: event.name for event, _ in known},
    )


def _zone(baseline: Measured | None, *, is_log: bool) -> Zone | None:
    """Where a new value says nothing: as far around the baseline as the seeds do."""
    if baseline is None:
        return None
    noise = noise_between(baseline, baseline)
    low, high = baseline.value - noise, baseline.value + noise
    if is_log:
        low, high = _power(low), _power(high)
    return Zone("same as the baseline", low, high)


def _decades(number: int, gain: Measured) -> Point:
    spread = 0.0 if math.isnan(gain.spread) else gain.spread
    low, high = gain.value - spread, gain.value + spread
    return Point(number, _power(gain.value), _power(low), _power(high))


def _power(decades: float) -> float:
    return math.pow(10.0, min(decades, MAX_DECADES))


def _units(number: int, loss: Measured) -> Point:
    return Point(number, loss.value, loss.value - loss.spread, loss.value + loss.spread)
