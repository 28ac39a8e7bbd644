"""`gradhealth baseline update`: records today's results to compare with later."""

from pathlib import Path
from typing import Annotated

import typer

from gradhealth.gate.baselines import write_baseline
from gradhealth.schemas.analysis import Options

from .baselines import read_baseline
from .examination import Deadline, Examination, expand
from .exit_codes import worst
from .judging import Judging
from .options import (
    Fast,
    Files,
    Layers,
    LogFormatName,
    Map,
    Project,
    Server,
    Timeout,
    choose_analyst,
)
from .output import complain, deliver
from .policies import PolicyFile, read_policy
from .run_results import LogReading

baseline_app = typer.Typer(
    help="What later results are compared with.",
    no_args_is_help=True,
    add_completion=False,
)


@baseline_app.command("update")
def update_baseline(
    files: Files,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The baseline's file.")
    ] = Path("gradhealth-baseline.json"),
    server: Server = None,
    policy_file: PolicyFile = None,
    fast: Fast = False,
    timeout: Timeout = None,
    project: Project = "default",
    log_format: LogFormatName = "auto",
    mapping: Map = "",
    layers: Layers = "",
) -> None:
    """Record the results of these files; those of other files stay as they are."""
    results = dict(read_baseline(output))
    policy = read_policy(policy_file)
    with choose_analyst(server, fast=fast, project=project) as analyst:
        options = Options(verify_fixes=False)
        judging = Judging(analyst, LogReading(log_format, mapping, layers))
        examination = Examination(judging, policy, options, Deadline(timeout))
        examined = examination.of_all(expand(files))
    for each in examined:
        if each.result is None:
            complain(f"{each.name}: {each.error}")
        else:
            results[each.name] = each.result
    recorded = [each for each in examined if each.result]
    if recorded:
        deliver(write_baseline(results), output)
    complain(f"{len(recorded)} of {len(examined)} recorded in {output}")
    raise typer.Exit(worst([each.code for each in examined]))


@baseline_app.callback()
def _baseline() -> None:
    # With a callback typer keeps "update" as a command of its own.
    pass
