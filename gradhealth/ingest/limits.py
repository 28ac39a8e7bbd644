"""Bounds on what a log may take while it is read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """The largest log that is read; each number is a setting.

    Together they bound the work and the memory: about 16 bytes a value while reading,
    9 a cell afterwards, and 250 a value of a JSON document, in the worst case.

    Attributes:
        bytes: Of all files of a log, unpacked.
        line_bytes: Of one line.
        json_values: Values of one JSON document; a file of lines may have any number.
        files: In one archive.
        runs: In one log.
        columns: Different names in a run.
        values: Kept of all runs while reading; of longer runs every second, fourth, ...
            step.
        cells: Steps times columns of all traces together; longer runs are thinned.
        seconds: CPU time of reading all files of a log.
        in_memory: Bytes of an unpacked archive or database that stay in memory; what
            is longer is put on the disk.
    """

    bytes: int = 2**33
    line_bytes: int = 2**24
    json_values: int = 4_000_000
    files: int = 10_000
    runs: int = 100
    columns: int = 20_000
    values: int = 2**23
    cells: int = 2**24
    seconds: float = 600.0
    in_memory: int = 2**23


DEFAULT_LIMITS = IngestLimits()
