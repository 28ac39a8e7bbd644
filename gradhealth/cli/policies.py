"""`gradhealth policy show`, and where a command finds its policy."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from gradhealth.exceptions import InvalidDocumentError
from gradhealth.gate.policy import (
    DEFAULT_FAIL_ON,
    Policy,
    parse_policy,
    settings,
    threshold_settings,
)

from .documents import not_usable, read_document
from .output import say

DEFAULT_PATH = Path("gradhealth.toml")

PolicyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--policy", help="The policy; gradhealth.toml where it is there."),
]

policy_app = typer.Typer(
    help="What the gate demands.", no_args_is_help=True, add_completion=False
)


def read_policy(path: Path | None) -> Policy:
    """The policy in a file; in `gradhealth.toml`, where that is there, by default.

    Raises:
        UnusableFileError: It cannot be read, or has keys nobody knows.
    """
    if path is None and not DEFAULT_PATH.exists():
        return Policy()
    document = read_document(path or DEFAULT_PATH)
    try:
        return parse_policy(document.content.decode("utf-8-sig", errors="replace"))
    except InvalidDocumentError as error:
        raise not_usable(document.path, "policy", error.problems) from error


@policy_app.command("show")
def show_policy(
    path: PolicyFile = None,
    file: Annotated[
        str | None, typer.Option(help="Show what holds for this file.")
    ] = None,
) -> None:
    """Print every setting that is in force, and where its value comes from."""
    policy = read_policy(path)
    source = path or (DEFAULT_PATH if DEFAULT_PATH.exists() else None)
    say(f"policy: {source or f'none, there is no {DEFAULT_PATH} here'}\n")
    say("\n".join(_lines(policy, file, dt.datetime.now().astimezone().date())))


@policy_app.callback()
def _policy() -> None:
    # With a callback typer keeps "show" as a command of its own.
    pass


def _lines(policy: Policy, file: str | None, today: dt.date) -> Iterator[str]:
    origin = "default" if policy.fail_on is None else "policy"
    yield f"fail_on = {policy.fail_on or DEFAULT_FAIL_ON}  ({origin})"
    yield "\nlevels"
    for level in settings(policy, file):
        yield f"  {level.problem} = {level.level}  ({level.origin})"
    yield "\nthresholds"
    for each in threshold_settings(policy, file):
        key = f"{each.problem}.{each.name}"
        yield f"  {key} = {each.value:g} {each.unit}  ({each.origin})"
    if policy.ignore:
        yield "\nignored"
    for ignore in policy.ignore:
        state = "expired on" if today > ignore.until else "until"
        where = ", ".join(ignore.files)
        yield f"  {ignore.problem} in {where} {state} {ignore.until}: {ignore.reason}"
