"""Base classes of everything that is read from or written to JSON."""

import difflib
from functools import cache
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

# Longer words are not a slip of the pen; more would not be read.
MAX_WORD, MAX_KNOWN = 100, 100
_NOT_FINITE = {"enum": ["NaN", "Infinity", "-Infinity"]}


def quoted(word: str) -> str:
    """A word as it stands in a message: in quotes, and cut when it is very long."""
    return f"'{word}'" if len(word) <= MAX_WORD else f"'{word[:MAX_WORD]}...'"


def nearest(word: str, known: list[str]) -> str:
    """A hint like "; did you mean 'lr'?", or the known words when none is near."""
    word = word[:MAX_WORD]
    close = [name for name in known if name.lower() == word.lower()]
    close = close or difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {quoted(close[0])}?"
    if not known:
        return "; known here: nothing"
    listed = [*sorted(known)[:MAX_KNOWN], *["..."] * (len(known) > MAX_KNOWN)]
    return f"; known here: {', '.join(listed)}"


@cache
def _keys_of(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


class Document(BaseModel):
    """What a person writes: strict types, and an unknown key names the nearest one."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False
    )

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # Frozen. Where it is a default, each document would get a copy of its own.
        return self

    @model_validator(mode="before")
    @classmethod
    def _name_unknown_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = _keys_of(cls)
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

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        described = handler.resolve_ref_schema(schema)
        if "properties" in described:
            described["properties"] = _with_not_finite(described["properties"])
        return schema


def _with_not_finite(schema: Any) -> Any:
    """A JSON schema whose numbers may also be the strings they travel as."""
    if isinstance(schema, list):
        return [_with_not_finite(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "number":
        about = {key: schema[key] for key in schema.keys() & {"title", "default"}}
        number = {key: schema[key] for key in schema.keys() - about.keys()}
        return about | {"anyOf": [number, _NOT_FINITE]}
    return {key: _with_not_finite(each) for key, each in schema.items()}
