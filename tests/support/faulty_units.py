"""Units of work that go wrong in every way a training can, without torch."""

import ctypes
import os
import signal
import tempfile
import time
from pathlib import Path

from worker.logs.unit import judge

# They leave notes in the tests' folders.
WRITABLE = (Path(tempfile.gettempdir()),)


def warm_up():
    pass


def set_threads(count):
    pass


def run(unit, arguments, report):
    return UNITS[unit](report, **arguments)


def echo(report, value=None):
    return value


def log(report, file, line):
    """Leave a trace of every time it runs."""
    with Path(file).open("a") as opened:
        opened.write(f"{line}\n")
    return line


def log_and_wait(report, file, line, gate=None):
    """Leave the line and the process it is done in, then wait for the gate's file."""
    with Path(file).open("a") as opened:
        opened.write(f"{line} {os.getppid()}\n")
    while gate and not Path(gate).exists():
        time.sleep(0.02)
    return line


def nap(report, seconds):
    time.sleep(seconds)


def hold_the_gil(report, file):
    Path(file).write_text(str(os.getpid()))
    ctypes.PyDLL(None).sleep(600)


def crash(report):
    os.kill(os.getpid(), signal.SIGSEGV)


def crash_once(report, file):
    if Path(file).exists():
        return "survived"
    Path(file).touch()
    os.kill(os.getpid(), signal.SIGSEGV)
    return None


def allocate_for_ever(report):
    hoard = []
    while True:
        hoard.append(bytearray(2**24))


def be_killed_for_memory(report):
    os.kill(os.getpid(), signal.SIGKILL)


def fail(report):
    raise ZeroDivisionError("nothing to divide")


def count(report, total, seconds):
    for done in range(1, total + 1):
        report(done, total)
        time.sleep(seconds)


def check_device(report):
    """Answers, unless the file named in the environment says that it is stuck."""
    if Path(os.environ.get("CUDA_STUCK_FILE", "/nowhere")).exists():
        time.sleep(600)


def judge_log(report, **arguments):
    """The real one: logs need no torch."""
    return judge(arguments, report)


def environment(report):
    return sorted(os.environ)


UNITS = {
    unit.__name__: unit
    for unit in (
        echo,
        log,
        log_and_wait,
        nap,
        hold_the_gil,
        crash,
        crash_once,
        allocate_for_ever,
        be_killed_for_memory,
        fail,
        count,
        check_device,
        environment,
        judge_log,
    )
}
