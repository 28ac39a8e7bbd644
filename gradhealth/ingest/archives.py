"""Archives of logs: their members as files, each unpacked while it is read."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO, NamedTuple, TypeAlias, cast

from .exceptions import IngestError, LogTooLargeError
from .files import LogFile

_ZIP_MAGIC = b"PK\x03\x04"
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_HEAD = 512
# A zip's list of members, and a name or extension of a tar's member, take at most this.
_MAX_DIRECTORY, _MAX_HEADER = 2**23, 2**20
_END = struct.Struct("<4s8xI")
_END_SIZE, _MAX_COMMENT = 22, 2**16
_END_MAGIC, _ZIP64_MAGIC, _ZIP64_SIZE = b"PK\x05\x06", b"PK\x06\x07", 20
# Entries that macOS adds.
_NOISE = "__MACOSX/"
# What the libraries raise about archives that are broken, encrypted or exotic.
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    RuntimeError,
    OSError,
    ValueError,
    LookupError,
    OverflowError,
    struct.error,
)


class _Entry(NamedTuple):
    name: str
    size: int
    is_file: bool
    opener: Callable[[], IO[bytes]]


Whole: TypeAlias = "SpooledTemporaryFile[bytes]"


@contextmanager
def files_in(file: LogFile) -> Iterator[list[LogFile]]:
    """The members of a zip or tar, sorted by name; a file that is neither, alone.

    They can be read until the context is left.

    Raises:
        IngestError: A broken or encrypted archive.
        LogTooLargeError: Too many members, or too large together.
    """
    head = file.head(_HEAD)
    is_zip = head.startswith(_ZIP_MAGIC)
    if not is_zip and not head[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC):
        yield [file]
        return
    # Out of a gzip one cannot read here and there.
    with SpooledTemporaryFile(file.limits.in_memory) as whole:
        copyfileobj(file.stream_of_bytes(), whole)
        entries = _zip_entries(whole) if is_zip else _tar_entries(whole)
        try:
            members = [*_bounded(entries, file)]
        except _BROKEN as error:
            raise _unreadable(error) from error
        yield sorted(members, key=lambda member: member.name)


def _zip_entries(whole: Whole) -> Iterator[_Entry]:
    _check_directory(whole)
    archive = zipfile.ZipFile(whole)
    for info in archive.infolist():
        opener = partial(archive.open, info)
        yield _Entry(info.filename, info.file_size, not info.is_dir(), opener)


def _check_directory(whole: Whole) -> None:
    """Refuses a list of members that would not fit into memory."""
    size = whole.seek(0, io.SEEK_END)
    whole.seek(max(0, size - _END_SIZE - _MAX_COMMENT - _ZIP64_SIZE))
    tail = whole.read()
    at = len(tail) - _END_SIZE
    if tail[at : at + 4] != _END_MAGIC or not tail.endswith(b"\0\0"):
        at = tail.rfind(_END_MAGIC)
    if at < 0 or len(tail) < at + _END.size:
        raise zipfile.BadZipFile("it is cut short")
    _, num_bytes = _END.unpack_from(tail, at)
    is_zip64 = tail[max(0, at - _ZIP64_SIZE) : at].startswith(_ZIP64_MAGIC)
    if num_bytes > _MAX_DIRECTORY or is_zip64:
        raise LogTooLargeError("a zip with too many files: send fewer")


def _tar_entries(whole: Whole) -> Iterator[_Entry]:
    whole.seek(0)
    archive = tarfile.TarFile(fileobj=cast(IO[bytes], _SmallReads(whole)))
    for info in archive:
        opener = partial(_extract, archive, info)
        is_file = info.isreg() and not info.issparse()
        yield _Entry(info.name, info.size, is_file, opener)


def _extract(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = archive.extractfile(info)
    assert stream is not None
    return stream


def _bounded(entries: Iterator[_Entry], file: LogFile) -> Iterator[LogFile]:
    left, limits = file.limits.bytes, file.limits
    for number, entry in enumerate(entries):
        left -= entry.size
        if number >= limits.files:
            message = f"an archive of more than {limits.files:,} files: send fewer"
            raise LogTooLargeError(message)
        if left < 0:
            raise LogTooLargeError(f"more than {limits.bytes:,} bytes when unpacked")
        if entry.is_file and not entry.name.startswith(_NOISE):
            member = cast(BinaryIO, _Member(entry.opener))
            yield LogFile(entry.name, member, limits, file.deadline)


class _SmallReads:
    """Refuses the long reads that a tar's header can ask for."""

    def __init__(self, whole: Whole) -> None:
        self.seek, self.tell, self._read = whole.seek, whole.tell, whole.read

    def read(self, size: int) -> bytes:
        if size > _MAX_HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self._read(size)


class _Member(io.RawIOBase):
    """One member, open only while it is read: thousands may wait."""

    def __init__(self, opener: Callable[[], IO[bytes]]) -> None:
        self._opener = opener
        self._stream: IO[bytes] | None = None

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        assert (offset, whence) == (0, io.SEEK_SET)
        self._stream = None
        return 0

    def readinto(self, buffer: Any) -> int:
        try:
            if self._stream is None:
                self._stream = self._opener()
            chunk = self._stream.read(len(buffer))
        except _BROKEN as error:
            raise _unreadable(error) from error
        if not chunk:
            # What is at its end waits without its buffers.
            self._stream = io.BytesIO()
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _unreadable(error: Exception) -> IngestError:
    return IngestError(f"an archive that cannot be read: {error}")
