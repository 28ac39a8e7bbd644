"""Column types and SQL functions that mean the same on SQLite and PostgreSQL."""

import math
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json
from sqlalchemy import JSON, DateTime, Dialect, Double, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class _UnconvertedDouble(Double[float]):
    """A double whose values reach the driver as they are, texts too."""

    def bind_processor(self, dialect: Dialect) -> None:
        del dialect


class Number(TypeDecorator[float]):
    """A double that keeps NaN: SQLite would store NULL, so there it is a text.

    On both databases NaN sorts above every number.
    """

    impl = Double
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """On SQLite, keep SQLAlchemy from turning the text back into a number."""
        impl = _UnconvertedDouble() if dialect.name == "sqlite" else Double()
        return dialect.type_descriptor(impl)

    def process_bind_param(self, value: float | None, dialect: Dialect) -> Any:
        """Write NaN as text where the database has none."""
        if value is not None and math.isnan(value) and dialect.name == "sqlite":
            return "NaN"
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:
        """Read a number, or the text that stands for NaN."""
        del dialect
        return None if value is None else float(value)


class String(TypeDecorator[str]):
    """A text; a NUL in it, which PostgreSQL cannot hold, becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what one of the databases cannot hold."""
        del dialect
        return (
            None if value is None else value.replace("\0", "\N{REPLACEMENT CHARACTER}")
        )


class Json(TypeDecorator[Any]):
    """A JSON text read and written as the given type; key order is kept.

    Args:
        of: Any type pydantic knows; numbers that are not finite travel as strings
            where its models say so.
        with_defaults: Whether to write what has its default too. Without, an earlier
            version reads what a later one wrote, as long as nothing new is asked for.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, of: Any, *, with_defaults: bool = True) -> None:
        super().__init__(none_as_null=True)
        self.of = of
        self.with_defaults = with_defaults
        self._adapter: TypeAdapter[Any] = TypeAdapter(of)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Turn the value into what JSON can hold."""
        del dialect
        if value is None:
            return None
        # Not dump_python(mode="json"): that leaves NaN a number, which no JSON holds.
        return from_json(
            self._adapter.dump_json(value, exclude_defaults=not self.with_defaults)
        )

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Turn what JSON held back into the type."""
        del dialect
        return None if value is None else self._adapter.validate_python(value)


class UtcTime(TypeDecorator[datetime]):
    """A moment, always aware and in UTC; SQLite itself knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Write in UTC."""
        del dialect
        return None if value is None else value.astimezone(UTC)

    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Read as UTC whatever zone the server speaks."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


class database_seconds(FunctionElement[float]):  # noqa: N801 - reads like SQL
    """Seconds since 1970 by the database's clock, the one clock all hosts share."""

    type = Double()
    inherit_cache = True


@compiles(database_seconds, "sqlite")
def _sqlite_seconds(_element: object, _compiler: SQLCompiler, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_seconds, "postgresql")
def _postgresql_seconds(_element: object, _compiler: SQLCompiler, **_: Any) -> str:
    return "extract(epoch FROM clock_timestamp())::float8"


class json_object(FunctionElement[Any]):  # noqa: N801 - reads like SQL
    """The rows' keys and values as one JSON object; null or empty without rows.

    Args:
        type_: What it is read as.
    """

    inherit_cache = True

    def __init__(
        self,
        key: QueryableAttribute[str],
        value: QueryableAttribute[Any],
        *,
        type_: Json,
    ) -> None:
        super().__init__(key, value)
        self.type = type_


@compiles(json_object, "sqlite")
def _sqlite_object(element: json_object, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_object({compiler.process(element.clauses, **options)})"


@compiles(json_object, "postgresql")
def _postgresql_object(
    element: json_object, compiler: SQLCompiler, **options: Any
) -> str:
    return f"json_object_agg({compiler.process(element.clauses, **options)})"
