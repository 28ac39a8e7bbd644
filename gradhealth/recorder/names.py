"""Names of what a training logs, as traces and services take them."""

import zlib

from ..traces import MAX_NAME_LENGTH

# What stands behind the start of a name that is too long tells it from others.
_MARK = "~{:08x}"


def series_name(name: str) -> str:
    """The name, shortened where it is too long; other names stay other names.

    Raises:
        ValueError: It is empty.
    """
    if not name:
        raise ValueError("log a number by a name that is not empty")
    if len(name) <= MAX_NAME_LENGTH:
        return name
    mark = _MARK.format(zlib.crc32(name.encode(errors="surrogatepass")))
    return name[: MAX_NAME_LENGTH - len(mark)] + mark
