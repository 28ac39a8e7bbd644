"""The unit that reads logs alone: its processes start without torch."""

from worker import log_unit

WRITABLE = ()


def warm_up():
    pass


def set_threads(count):
    pass


def run(unit, arguments, report):
    if unit == "need_memory":
        raise MemoryError
    return log_unit.judge(arguments, report)
