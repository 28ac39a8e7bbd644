"""Where a key is found."""

from collections.abc import Mapping
from pathlib import Path

from ..exceptions import GradHealthError


class UnreadableKeyError(GradHealthError):
    """The file that should hold the key cannot be read."""

    code = "unreadable_key"


def key_in(environment: Mapping[str, str]) -> str | None:
    """The key in `GRADHEALTH_API_KEY`, or in the file `GRADHEALTH_API_KEY_FILE`.

    Raises:
        UnreadableKeyError: There is no such file, or it may not be read.
    """
    file = environment.get("GRADHEALTH_API_KEY_FILE")
    if file is None:
        return environment.get("GRADHEALTH_API_KEY")
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        message = f"cannot read the key of GRADHEALTH_API_KEY_FILE: {error}"
        raise UnreadableKeyError(message) from error
