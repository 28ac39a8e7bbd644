"""The unit that reads logs alone: its processes start without torch."""

from worker.logs.unit import judge

WRITABLE = ()


def warm_up():
    pass


def set_threads(count):
    pass


def run(unit, arguments, report):
    if unit == "need_memory":
        raise MemoryError
    return judge(arguments, report)
