"""Logs as they were sent."""

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from gradhealth.ingest import LogMapping

from ..database.columns import Json
from .analyses import OfAnalysis
from .base import Base


class UploadRow(Base):
    """A log as it was sent, and how it is to be read; goes with its last analysis."""

    __tablename__ = "gh_uploads"
    # The sum over a project is read from the index alone.
    __table_args__ = (Index(None, "project", "stored_bytes"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    project: Mapped[str]
    filename: Mapped[str]
    format: Mapped[str]
    mapping: Mapped[LogMapping] = mapped_column(Json(LogMapping))
    stored_bytes: Mapped[int] = mapped_column(BigInteger)


class UploadChunkRow(Base):
    """A piece of an upload's content."""

    __tablename__ = "gh_upload_chunks"

    upload_id: Mapped[str] = mapped_column(
        ForeignKey(UploadRow.id, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    chunk: Mapped[bytes] = mapped_column(LargeBinary)


class UploadRunRow(Base):
    """The run of an upload that an analysis is about; null until it was read."""

    __tablename__ = "gh_upload_runs"
    __table_args__ = (Index(None, "upload_id"),)

    analysis_id: Mapped[OfAnalysis]
    upload_id: Mapped[str] = mapped_column(ForeignKey(UploadRow.id))
    run: Mapped[str | None]
