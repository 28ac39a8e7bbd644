"""A result as rows, and the rows as the same result again."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeAlias

from pydantic import BaseModel
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from gradhealth.schemas.analysis import LayerStatistics, Result, Spread, Stages
from gradhealth.schemas.finding import Finding
from gradhealth.schemas.fix import Fix, Measurement, Trial

from ..tables import (
    Base,
    FindingRow,
    FixRow,
    LayerRow,
    LayerStatisticRow,
    ResultRow,
)

Columns: TypeAlias = dict[str, Any]
# The rows of one table, by the analysis they belong to.
Owned: TypeAlias = dict[str, list[Columns]]

_RESULT = (
    "verdict",
    "summary",
    "notes",
    "curves",
    "layer_curves",
    "signs",
    "theory",
    "environment",
)
_FINDING = tuple(Finding.model_fields)
_LAYER = ("path", "type", "depth")
_STATISTICS = tuple(set(LayerStatistics.model_fields) - set(_LAYER))
_STAGES = tuple(Stages.model_fields)
_FIX = tuple(set(Fix.model_fields) - {"trial"})
_TRIAL = tuple(set(Trial.model_fields) - {"before", "after"})
_MEASUREMENT = tuple(Measurement.model_fields)


async def save_result(session: AsyncSession, analysis_id: str, result: Result) -> None:
    """Insert every row of a result; its analysis must exist and have none yet."""
    whole = _pick(result, _RESULT) | {
        "primary_problem": result.primary,
        "document": result.model_dump_json(),
    }
    tables: list[tuple[type[Base], list[Columns]]] = [
        (ResultRow, [whole]),
        (FindingRow, _numbered(_pick(each, _FINDING) for each in result.findings)),
        (LayerRow, _numbered(_pick(each, _LAYER) for each in result.layers)),
        (LayerStatisticRow, _statistics(result.layers)),
        (FixRow, _numbered(_fix_columns(each) for each in result.fixes)),
    ]
    for table, rows in tables:
        if rows:
            owned = [{"analysis_id": analysis_id, **row} for row in rows]
            await session.execute(insert(table), owned)


def size_of(result: Result) -> int:
    """Bytes of a result."""
    return len(result.model_dump_json())


async def load_results(
    session: AsyncSession | AsyncConnection, analysis_ids: Iterable[str]
) -> dict[str, Result]:
    """Rebuild the results of the analyses that have one, by the analysis's id."""
    ids = list(analysis_ids)
    if not ids:
        return {}
    wholes = await _rows(session, ResultRow, ids)
    findings = await _rows(session, FindingRow, ids)
    layers = await _rows(session, LayerRow, ids)
    statistics = await _rows(session, LayerStatisticRow, ids)
    fixes = await _rows(session, FixRow, ids)
    return {
        key: Result(
            primary=whole["primary_problem"],
            findings=[Finding(**_only(row, _FINDING)) for row in findings[key]],
            layers=_layers(layers[key], statistics[key]),
            fixes=[_fix(row) for row in fixes[key]],
            **_only(whole, _RESULT),
        )
        for key, (whole,) in wholes.items()
    }


async def _rows(
    session: AsyncSession | AsyncConnection, table: type[Base], ids: list[str]
) -> Owned:
    owned: Owned = defaultdict(list)
    # Every table here begins its primary key with the owner, then the position.
    columns = table.__table__.columns
    query = (
        select(*(each for each in columns if each.name != "document"))
        .where(columns.analysis_id.in_(ids))
        .order_by(*table.__table__.primary_key)
    )
    for row in (await session.execute(query)).mappings():
        owned[row["analysis_id"]].append(dict(row))
    return owned


def _pick(record: BaseModel, names: Iterable[str]) -> Columns:
    return {name: getattr(record, name) for name in names}


def _only(row: Columns, names: Iterable[str]) -> Columns:
    return {name: row[name] for name in names}


def _numbered(rows: Iterable[Columns]) -> list[Columns]:
    return [{"position": position, **row} for position, row in enumerate(rows)]


def _statistics(layers: Iterable[LayerStatistics]) -> list[Columns]:
    return [
        {"position": position, "statistic": name, **_stage_columns(stages)}
        for position, layer in enumerate(layers)
        for name in _STATISTICS
        if (stages := getattr(layer, name)) is not None
    ]


def _stage_columns(stages: Stages) -> Columns:
    columns: Columns = {}
    for stage in _STAGES:
        at: Spread | None = getattr(stages, stage)
        columns[f"{stage}_mean"] = at and at.mean
        columns[f"{stage}_spread"] = at and at.spread
    return columns


def _layers(layers: list[Columns], statistics: list[Columns]) -> list[LayerStatistics]:
    measured: dict[int, dict[str, Stages]] = defaultdict(dict)
    for row in statistics:
        measured[row["position"]][row["statistic"]] = _stages(row)
    return [
        LayerStatistics(**_only(row, _LAYER), **measured[row["position"]])
        for row in layers
    ]


def _stages(row: Columns) -> Stages:
    return Stages(
        **{
            stage: Spread(mean=mean, spread=row[f"{stage}_spread"])
            for stage in _STAGES
            if (mean := row[f"{stage}_mean"]) is not None
        }
    )


def _fix_columns(fix: Fix) -> Columns:
    columns = _pick(fix, _FIX)
    trial = fix.trial
    columns |= {name: trial and getattr(trial, name) for name in _TRIAL}
    for side in ("before", "after"):
        measured = trial and getattr(trial, side)
        for name in _MEASUREMENT:
            columns[f"{side}_{name}"] = measured and getattr(measured, name)
    return columns


def _fix(row: Columns) -> Fix:
    trial = None
    if row["verified"] is not None:
        trial = Trial(
            before=_measurement(row, "before"),
            after=_measurement(row, "after"),
            **_only(row, _TRIAL),
        )
    return Fix(trial=trial, **_only(row, _FIX))


def _measurement(row: Columns, side: str) -> Measurement | None:
    # A measurement without any number says as much as none.
    numbers = {name: row[f"{side}_{name}"] for name in _MEASUREMENT}
    if all(number is None for number in numbers.values()):
        return None
    return Measurement(**numbers)
