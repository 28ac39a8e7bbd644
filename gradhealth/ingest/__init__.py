"""Logs that people have, read into traces."""

from .exceptions import IngestError as IngestError
from .exceptions import LogTooLargeError as LogTooLargeError
from .limits import IngestLimits as IngestLimits
from .mapping import LogMapping as LogMapping
from .mapping import parse_mapping as parse_mapping
from .reading import read_log as read_log
from .recognition import check_format as check_format
