"""The query parameters of an uploaded log."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gradhealth.schemas.analysis import MAX_LABEL_VALUE, ProjectName

from .analysis_query import STORABLE

MAX_LABELS, MAX_THRESHOLDS = 16, 100
MAX_LABEL_KEY = 64
_THRESHOLD = re.compile(r"\w+\.\w+:[-+]?\d+(\.\d*)?([eE][-+]?\d{1,2})?")
Storable = Annotated[str, Field(pattern=STORABLE)]


class LogQuery(BaseModel):
    """How a log is to be read, and where its analyses belong.

    Attributes:
        format: A format's name, or `auto` to recognise it.
        filename: The file's name, which some formats need.
        map: Which of the log's names is what: `step:iteration,loss:train_loss`.
        layers: Paths by depth with commas between, where the log does not tell.
        label: Labels of the analyses, each `key:value`.
        threshold: Values in place of the detectors' own, each `problem.name:value`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Annotated[str, Field(max_length=64)] = "auto"
    filename: Annotated[str, Field(max_length=500, pattern=STORABLE)] = ""
    map: Annotated[str, Field(max_length=10_000, pattern=STORABLE)] = ""
    layers: Annotated[str, Field(max_length=1_000_000, pattern=STORABLE)] = ""
    project: ProjectName = "default"
    label: Annotated[list[Storable], Field(max_length=MAX_LABELS)] = []
    threshold: Annotated[list[Storable], Field(max_length=MAX_THRESHOLDS)] = []

    @field_validator("label")
    @classmethod
    def _are_pairs(cls, labels: list[str]) -> list[str]:
        for label in labels:
            key, colon, value = label.partition(":")
            is_short = len(key) <= MAX_LABEL_KEY and len(value) <= MAX_LABEL_VALUE
            if not colon or not key or not is_short:
                msg = "write a label as key:value, of at most 64 and 256 characters"
                raise ValueError(msg)
        return labels

    @field_validator("threshold")
    @classmethod
    def _are_numbers(cls, thresholds: list[str]) -> list[str]:
        for threshold in thresholds:
            if not _THRESHOLD.fullmatch(threshold):
                msg = "write a threshold as problem.name:value"
                raise ValueError(msg)
        return thresholds

    @property
    def labels(self) -> dict[str, str]:
        """The labels by their keys."""
        pairs = (label.partition(":") for label in self.label)
        return {key: value for key, _, value in pairs}

    @property
    def thresholds(self) -> dict[str, dict[str, float]]:
        """The thresholds by problem and name."""
        found: dict[str, dict[str, float]] = {}
        for threshold in self.threshold:
            name, _, value = threshold.partition(":")
            problem, _, field = name.partition(".")
            found.setdefault(problem, {})[field] = float(value)
        return found
