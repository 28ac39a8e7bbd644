"""Runs the programs the product consists of, and starts them again when they end."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Never

from gradhealth.exceptions import GradHealthError
from worker.processes.lifeline import die_with_parent

from .output import complain

# Longer than the programs' own bounds on a clean stop.
STOP_SECONDS = 8.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
# A program that ran this long had started well: the next pause is short again.
STEADY_SECONDS = 30.0


class ProgramEndedError(GradHealthError):
    """A program that is needed ended at its start; its own words say why."""

    code = "program_ended"

    def __init__(self, name: str, status: int) -> None:
        super().__init__(f"the {name} could not start (exit status {status})")


@dataclass(frozen=True, slots=True)
class Program:
    """What to run.

    Attributes:
        name: What a person calls it.
        arguments: Arguments of the Python interpreter.
        environment: All its environment variables.
        descriptors: Open files it inherits.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    descriptors: Sequence[int] = ()


async def run(program: Program) -> int:
    """Runs a program to its end and returns its exit status.

    It is stopped when the call is cancelled, and dies with this process even when that
    is killed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *program.arguments,
        env=dict(program.environment),
        pass_fds=program.descriptors,
        # Ctrl-C reaches only us: we stop the others in order.
        start_new_session=True,
        preexec_fn=partial(die_with_parent, os.getpid()),
    )
    try:
        return await process.wait()
    except asyncio.CancelledError:
        await _stop(process)
        raise


async def keep_running(program: Program, ready: asyncio.Event) -> Never:
    """Runs a program again and again, until cancelled.

    Args:
        program: What to run.
        ready: Set once everything has started well; before that, a program that ends
            would end again.

    Raises:
        ProgramEndedError: It ended before everything was ready.
    """
    pause_seconds = FIRST_PAUSE_SECONDS
    while True:
        began = time.monotonic()
        status = await run(program)
        if not ready.is_set():
            raise ProgramEndedError(program.name, status)
        if time.monotonic() - began > STEADY_SECONDS:
            pause_seconds = FIRST_PAUSE_SECONDS
        complain(
            f"the {program.name} ended (exit status {status}), "
            f"it is started again in {pause_seconds:g} s"
        )
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
