"""An upload: how it is to be read, and its bytes in pieces."""

import uuid
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import Connection, delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.ingest import LogMapping

from ..tables import UploadChunkRow, UploadRow, UploadRunRow

CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Upload:
    """How a log is to be read.

    Attributes:
        format_name: Of a log format, or `auto`.
        num_bytes: As it was sent.
    """

    filename: str
    format_name: str
    mapping: LogMapping
    num_bytes: int


def insert_upload(
    connection: Connection, upload: Upload, content: BinaryIO, project: str
) -> str:
    """Insert an upload with its content, read from the front; its new id."""
    upload_id = uuid.uuid4().hex
    connection.execute(
        insert(UploadRow),
        {
            "id": upload_id,
            "project": project,
            "filename": upload.filename,
            "format": upload.format_name,
            "mapping": upload.mapping,
            "stored_bytes": upload.num_bytes,
        },
    )
    content.seek(0)
    position = 0
    while chunk := content.read(CHUNK_BYTES):
        values = {"upload_id": upload_id, "position": position, "chunk": chunk}
        connection.execute(insert(UploadChunkRow), values)
        position += 1
    return upload_id


async def load_content(session: AsyncSession, upload_id: str) -> bytes:
    """All bytes of an upload."""
    query = (
        select(UploadChunkRow.chunk)
        .where(UploadChunkRow.upload_id == upload_id)
        .order_by(UploadChunkRow.position)
    )
    return b"".join((await session.execute(query)).scalars())


async def forget_uploads(session: AsyncSession, upload_id: str | None = None) -> None:
    """Delete an upload, or any, that no analysis is about any more."""
    used = exists().where(UploadRunRow.upload_id == UploadRow.id)
    query = delete(UploadRow).where(~used)
    if upload_id is not None:
        query = query.where(UploadRow.id == upload_id)
    await session.execute(query.execution_options(synchronize_session=False))


async def upload_of(session: AsyncSession, analysis_id: str) -> str | None:
    """The id of the upload that an analysis is about."""
    query = select(UploadRunRow.upload_id).where(
        UploadRunRow.analysis_id == analysis_id
    )
    return (await session.execute(query)).scalar()
