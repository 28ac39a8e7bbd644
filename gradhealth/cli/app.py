"""The commands, and how they end."""

import sys
import traceback
from collections.abc import Sequence

import typer

from gradhealth.exceptions import GradHealthError

from .analyze import analyze
from .baseline import baseline_app
from .check import check
from .demo import demo
from .documents import UnusableFileError
from .exit_codes import ExitCode
from .output import complain
from .parts import backup, key, migrate, restore, serve, worker
from .policies import policy_app
from .up import up
from .webhooks import webhook_app

app = typer.Typer(
    help="Can gradients flow through a network, why not, and what makes them flow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo, analyze, check, up, serve, worker, migrate, backup, restore):
    app.command()(command)
# Whatever follows, `--help` too, is for the program it becomes.
app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(key)
app.add_typer(policy_app, name="policy")
app.add_typer(baseline_app, name="baseline")
app.add_typer(webhook_app, name="webhook")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with a status of `ExitCode`.

    Args:
        arguments: What was typed after the program's name; None reads the process's.
    """
    try:
        # Not standalone: typer would exit with 2 on a wrong option, which here means
        # "could not decide".
        status = app(arguments, standalone_mode=False)
    except typer.TyperException as error:
        # Without a command typer has printed the help, and says no more.
        if message := error.format_message():
            complain(f"{message} (try --help)")
        status = ExitCode.USAGE
    except UnusableFileError as error:
        complain(str(error))
        status = ExitCode.USAGE
    except GradHealthError as error:
        complain(str(error))
        status = ExitCode.UNDECIDED
    except Exception:  # noqa: BLE001 -- a fault of ours must not look like a failed gate
        traceback.print_exc()
        complain(
            "this is a mistake in gradhealth: please report it with the lines above"
        )
        status = ExitCode.UNDECIDED
    sys.exit(status)
