"""`gradhealth key`: makes, lists, revokes and rotates the keys of a service."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, TypeVar, get_args

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from gradhealth.exceptions import GradHealthError
from gradhealth.schemas.analysis import ProjectName

from ..analyses.records import now
from ..config import StorageSettings
from ..database.session import Sessions, create_engine
from ..tables import Scope
from .credentials import ApiKey
from .keys import Key, KeyStore

T = TypeVar("T")

SCOPES: tuple[Scope, ...] = get_args(Scope)
USAGE = 64

app = typer.Typer(
    help="The keys of a service: who may do what in which project.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _project(name: str) -> str:
    try:
        return TypeAdapter(ProjectName).validate_python(name)
    except ValidationError as error:
        raise typer.BadParameter(
            "a project is up to 63 small letters, digits, '.', '_' and '-'"
        ) from error


def _scopes(names: list[str]) -> list[str]:
    if unknown := set(names) - set(SCOPES):
        known = ", ".join(SCOPES)
        raise typer.BadParameter(f"unknown scope {min(unknown)!r}; known: {known}")
    return names


@app.command()
def create(
    project: Annotated[
        str, typer.Option(callback=_project, help="The one project it opens.")
    ],
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    scope: Annotated[
        list[str],
        typer.Option(
            callback=_scopes, help="read, write or admin (which is all); repeatable."
        ),
    ] = ["read", "write"],  # noqa: B006 - typer copies it
    expires_in_days: Annotated[
        float | None, typer.Option(min=0, help="It opens nothing after that.")
    ] = None,
) -> None:
    """Make a key and print it: this is the only time it is seen."""
    expires_at = None
    if expires_in_days is not None:
        expires_at = now() + timedelta(days=expires_in_days)
    scopes = [each for each in SCOPES if each in scope]
    _hand_over(
        _with_keys(
            lambda keys: keys.create(
                project=project, name=name, scopes=scopes, expires_at=expires_at
            )
        )
    )


@app.command("list")
def list_keys() -> None:
    """List all keys there ever were, without their secrets."""
    headings = ("id", "project", "name", "scopes", "last used", "state")
    table = Table(*headings, box=None)
    for key in _with_keys(KeyStore.all):
        used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
        scopes = ",".join(sorted(key.scopes))
        table.add_row(key.id, key.project, key.name, scopes, used, _state(key))
    Console().print(table)


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(help="Its id, as listed.")]) -> None:
    """Let a key open nothing any more, within a second."""
    _with_keys(lambda keys: keys.revoke(key_id))


@app.command()
def rotate(
    key_id: Annotated[str, typer.Argument(help="Its id, as listed.")],
    overlap_hours: Annotated[
        float, typer.Option(min=0, help="How long the old one still opens.")
    ] = 24,
) -> None:
    """Make a successor that may do the same, print it, and let the old key end."""
    overlap = timedelta(hours=overlap_hours)
    _hand_over(_with_keys(lambda keys: keys.rotate(key_id, overlap=overlap)))


def _state(key: Key) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "valid"
    return f"{'valid until' if key.is_valid else 'expired'} {key.expires_at:%Y-%m-%d}"


def _hand_over(key: ApiKey) -> None:
    # The key alone on stdout, so that a script can take it.
    print(key.text)  # noqa: T201 - what the command is for
    print("keep it: only its hash is stored", file=sys.stderr)  # noqa: T201


def _with_keys(act: Callable[[KeyStore], Awaitable[T]]) -> T:
    async def run() -> T:
        engine = create_engine(StorageSettings())
        try:
            return await act(KeyStore(Sessions(engine)))
        finally:
            await engine.dispose()

    return asyncio.run(run())


def main() -> None:
    """Runs a command; exits with a message when it cannot be done."""
    try:
        app(prog_name="gradhealth key", standalone_mode=False)
    except typer.TyperException as error:
        # Without a command typer has printed the help, and says no more.
        if message := error.format_message():
            print(f"{message} (try --help)", file=sys.stderr)  # noqa: T201
        sys.exit(USAGE)
    except GradHealthError as error:
        sys.exit(str(error))
    except ValidationError as error:
        sys.exit(f"a setting is wrong: {error}")
    except (SQLAlchemyError, OSError) as error:
        reason = str(error).partition("\n")[0]
        sys.exit(f"cannot reach the keys ({reason}); was `gradhealth migrate` run?")


if __name__ == "__main__":
    main()
