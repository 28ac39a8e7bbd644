"""Where the data lives: one database URL, SQLite unless told otherwise."""

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}


class StorageSettings(BaseSettings):
    """Settings of everything that opens the database (prefix `GRADHEALTH_`).

    Attributes:
        data_dir: Folder for the SQLite file, created when missing.
        database_url: `sqlite:///path` (one machine, local disk) or
            `postgresql://user:password@host/name`; a SQLite file in `data_dir`
            when unset.
        database_url_file: A file that holds the URL, in place of `database_url`.
        database_password: The password of a URL that has none.
        database_password_file: A file that holds it, in place of `database_password`.
    """

    model_config = SettingsConfigDict(
        env_prefix="GRADHEALTH_", extra="ignore", frozen=True
    )

    data_dir: Path = Path("data")
    database_url: str | None = Field(default=None, repr=False)
    database_url_file: Path | None = None
    database_password: str | None = Field(default=None, repr=False)
    database_password_file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        return with_files_read(values, "database_url", "database_password")

    @field_validator("database_url")
    @classmethod
    def _is_supported(cls, value: str | None) -> str | None:
        if value is not None:
            _normalised(value)
        return value

    @property
    def url(self) -> URL:
        """The database's address for SQLAlchemy's asynchronous drivers."""
        if self.database_url is None:
            path = self.data_dir.absolute() / "gradhealth.db"
            return URL.create(_DRIVERS["sqlite"], database=str(path))
        url = _normalised(self.database_url)
        if url.get_backend_name() == "postgresql" and url.password is None:
            return url.set(password=self.database_password)
        return url

    @property
    def is_sqlite(self) -> bool:
        """Whether the data is one local file."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def sync_url(self) -> str:
        """The same address for synchronous drivers, password included."""
        url = self.url.set(drivername="sqlite") if self.is_sqlite else self.url
        return url.render_as_string(hide_password=False)


def with_files_read(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """The values of settings, secrets among them read from the files they name.

    Args:
        values: Before they are validated.
        names: Of settings that may be given as `<name>_file`.
    """
    return values | {
        name: _secret_in(values[f"{name}_file"], name, values.get(name))
        for name in names
        if values.get(f"{name}_file") is not None
    }


def _secret_in(file: str | Path, name: str, given: str | None) -> str:
    variable = f"GRADHEALTH_{name.upper()}"
    if given is not None:
        msg = f"set {variable} or {variable}_FILE, not both"
        raise ValueError(msg)
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        msg = f"cannot read {variable}_FILE: {error}"
        raise ValueError(msg) from error


def _normalised(text: str) -> URL:
    # Some platforms hand out `postgres://`, which SQLAlchemy no longer knows.
    if text.startswith("postgres://"):
        text = text.replace("postgres://", "postgresql://", 1)
    try:
        url = make_url(text)
    except ArgumentError as error:
        msg = "not a database URL; write sqlite:///FILE or postgresql://HOST/NAME"
        raise ValueError(msg) from error
    backend = url.get_backend_name()
    if backend not in _DRIVERS:
        msg = f"{backend!r} is not supported; use sqlite:/// or postgresql://"
        raise ValueError(msg)
    if backend == "sqlite" and url.database in (None, "", ":memory:"):
        msg = "SQLite in memory cannot be shared by processes; name a file"
        raise ValueError(msg)
    return url.set(drivername=_DRIVERS[backend])
