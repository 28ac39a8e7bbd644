"""The files of a log: unpacked, bounded, read once from front to back."""

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import zstandard
from pydantic_core import from_json

from .deadline import Deadline
from .exceptions import IngestError, LogTooLargeError
from .limits import IngestLimits

# A file that was compressed, and a transfer that was, and UTF-16 inside.
MAX_LAYERS = 3
# Zstandard's own advice to readers: 8 MiB; what asks for more memory is refused.
MAX_WINDOW_BYTES = 2**23
_CHUNK = 2**20


def _gunzipped(packed: BinaryIO) -> Any:
    return gzip.GzipFile(fileobj=packed)


def _unzstd(packed: BinaryIO) -> Any:
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    return reader.stream_reader(packed, read_across_frames=True)


class _AsUtf8:
    """A file in UTF-16, whose first two bytes say in which order the others stand."""

    def __init__(self, encoded: BinaryIO) -> None:
        self._text = codecs.getreader("utf-16")(encoded)

    def read(self, size: int) -> bytes:
        # Two bytes become three at most.
        return self._text.read(max(size // 2, 2)).encode()


# UTF-16 is what PowerShell redirects into files.
_UNPACKERS: Mapping[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": _gunzipped,
    b"\x28\xb5\x2f\xfd": _unzstd,
    codecs.BOM_UTF16_LE: _AsUtf8,
    codecs.BOM_UTF16_BE: _AsUtf8,
}
_MAGIC_BYTES = max(map(len, _UNPACKERS))


@dataclass
class LogFile:
    """One file of a log.

    Args:
        name: Its path, for what formats write there: runs and metrics.
        stream: Its bytes; gzip and zstd are unpacked while they are read.
        limits: What may be read.
        deadline: When reading ends; all files of a log have one together.

    Attributes:
        notes: What was repaired while reading.
    """

    name: str
    stream: BinaryIO
    limits: IngestLimits
    deadline: Deadline
    notes: list[str] = field(default_factory=list)

    def head(self, size: int) -> bytes:
        """The first bytes; reading begins at the front again afterwards.

        Raises:
            IngestError: It is a broken gzip.
        """
        return self._opened().read(size)

    def chunks(self) -> Iterator[bytes]:
        """All bytes, a mebibyte at a time."""
        stream = self._opened()
        while chunk := stream.read(_CHUNK):
            yield chunk

    def stream_of_bytes(self) -> io.BufferedReader:
        """All bytes, from the front."""
        return self._opened()

    def content(self) -> bytes:
        """All bytes at once.

        Raises:
            LogTooLargeError: More than may be read.
        """
        return b"".join(self.chunks())

    def short_content(self) -> bytes | None:
        """All bytes at once; None where they are too many to stay in memory."""
        chunks, left = [], self.limits.in_memory
        for chunk in self.chunks():
            left -= len(chunk)
            if left < 0:
                return None
            chunks.append(chunk)
        return b"".join(chunks)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Number, from 1, and text of each line, empty ones too.

        Raises:
            IngestError: Not UTF-8, or a line that is too long.
        """
        stream, limit = self._opened(), self.limits.line_bytes
        number = 0
        while line := stream.readline(limit + 1):
            number += 1
            if len(line) > limit:
                message = f"line {number} is longer than {limit:,} bytes"
                raise LogTooLargeError(message)
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                raise _not_utf8(f"line {number}", error) from error
            yield number, text

    def json(self) -> Any:
        """The whole file as one JSON document; NaN and Infinity are allowed.

        Raises:
            IngestError: It is none, or it has too many values.
        """
        text = self.content().removeprefix(codecs.BOM_UTF8)
        # Commas in texts are counted too; the bound is far above an honest file's.
        if text.count(b",") >= self.limits.json_values:
            message = (
                f"a JSON document of more than {self.limits.json_values:,} values: "
                "write a line for each step (JSON lines), which is read piece by piece"
            )
            raise LogTooLargeError(message)
        return parse_json(text)

    def _opened(self) -> io.BufferedReader:
        self.stream.seek(0)
        opened: Any = io.BufferedReader(_Bounded(self.stream, self), _CHUNK)
        for _ in range(MAX_LAYERS):
            head = opened.peek(_MAGIC_BYTES)
            magic = next((each for each in _UNPACKERS if head.startswith(each)), None)
            if magic is None:
                break
            unpacked = _UNPACKERS[magic](opened)
            opened = io.BufferedReader(_Bounded(unpacked, self), _CHUNK)
        reader: io.BufferedReader = opened
        return reader


class _Bounded(io.RawIOBase):
    """Holds the bounds, and turns a broken packing into an error or a note."""

    def __init__(self, stream: Any, file: LogFile) -> None:
        self._read = getattr(stream, "read1", stream.read)
        self._file = file
        self._left = file.limits.bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.deadline.check()
        try:
            # One piece at a time: what came before the end of a cut file counts.
            chunk: bytes = self._read(min(len(buffer), _CHUNK))
        except EOFError:
            note = f"{self._file.name} was cut short: what is there was read"
            if note not in self._file.notes:
                self._file.notes.append(note)
            return 0
        except (OSError, zlib.error) as error:
            raise IngestError(f"a gzip that cannot be unpacked: {error}") from error
        except UnicodeDecodeError as error:
            raise IngestError(f"UTF-16 that cannot be read: {error.reason}") from error
        except zstandard.ZstdError as error:
            raise IngestError(f"a zstd that cannot be unpacked: {error}") from error
        self._left -= len(chunk)
        if self._left < 0:
            limit = self._file.limits.bytes
            raise LogTooLargeError(f"more than {limit:,} bytes when unpacked")
        buffer[: len(chunk)] = chunk
        return len(chunk)


def parse_json(text: bytes | str) -> Any:
    """A JSON value; NaN and Infinity are allowed.

    Raises:
        IngestError: It is none.
    """
    try:
        return from_json(text)
    except ValueError as error:
        message = str(error)
        if "recursion limit" in message:
            message = "nested too deeply: at most 200 levels of brackets"
        raise IngestError(
            f"not valid JSON, is it complete and UTF-8? ({message})"
        ) from error


def _not_utf8(place: str, error: UnicodeDecodeError) -> IngestError:
    return IngestError(
        f"{place} is not UTF-8 at its byte {error.start + 1}: save the file as UTF-8"
    )
