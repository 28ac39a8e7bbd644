"""Base classes of everything that is read from or written to JSON."""

import difflib
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

# Longer words are not a slip of the pen; more would not be read.
MAX_WORD, MAX_KNOWN = 100, 100


def quoted(word: str) -> str:
    """A word as it stands in a message: in quotes, and cut when it is very long."""
    return f"'{word}'" if len(word) <= MAX_WORD else f"'{word[:MAX_WORD]}...'"


def nearest(word: str, known: list[str]) -> str:
    """A hint like "; did you mean 'lr'?", or the known words when none is near."""
    close = difflib.get_close_matches(word[:MAX_WORD], known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {quoted(close[0])}?"
    if not known:
        return "; known here: nothing"
    listed = [*sorted(known)[:MAX_KNOWN], *["..."] * (len(known) > MAX_KNOWN)]
    return f"; known here: {', '.join(listed)}"


class Document(BaseModel):
    """What a person writes: strict types, and an unknown key names the nearest one."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _name_unknown_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in data:
            if key not in known:
                raise PydanticCustomError(
                    "unknown_key",
                    "unknown key {quoted}{hint}",
                    {
                        "key": str(key),
                        "quoted": quoted(str(key)),
                        "hint": nearest(str(key), known),
                    },
                )
        return data


class Record(BaseModel):
    """What the program writes: numbers that are not finite travel as strings."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, ser_json_inf_nan="strings", protected_namespaces=()
    )
