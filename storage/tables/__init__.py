"""The tables, by what they are about; all are known as soon as one is."""

from .access import KeyRow, Scope, SignInRow
from .analyses import OPEN, AnalysisRow, EventRow, LabelRow, TraceRow
from .base import Base
from .results import FindingRow, FixRow, LayerRow, LayerStatisticRow, ResultRow
from .runs import AlertRow, ChunkRow, RunRow
from .uploads import UploadChunkRow, UploadRow, UploadRunRow
from .webhooks import DeliveryRow, WebhookRow
from .work import Happening, TallyRow, UnitRow, UsageRow, WorkerRow

__all__ = [
    "OPEN",
    "AlertRow",
    "AnalysisRow",
    "Base",
    "ChunkRow",
    "DeliveryRow",
    "EventRow",
    "FindingRow",
    "FixRow",
    "Happening",
    "KeyRow",
    "LabelRow",
    "LayerRow",
    "LayerStatisticRow",
    "ResultRow",
    "RunRow",
    "Scope",
    "SignInRow",
    "TallyRow",
    "TraceRow",
    "UnitRow",
    "UploadChunkRow",
    "UploadRow",
    "UploadRunRow",
    "UsageRow",
    "WebhookRow",
    "WorkerRow",
]
