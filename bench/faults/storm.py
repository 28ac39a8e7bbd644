"""Kills processes at random, and starts them again as a supervisor would."""

import os
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

_OUTAGE_SECONDS = 2.0
# The shortest and the longest time between two faults.
_PAUSES = (2.0, 8.0)


class Storm:
    """Faults in random order, at random moments.

    Args:
        server: The database.
        service: Where the service runs.
        fleet: Where the workers run.
        workers: Their names.
        chance: Decides.

    Attributes:
        seen: How often each happened.
    """

    def __init__(self, server, service, fleet, workers, *, chance):
        self._server = server
        self._service = service
        self._fleet = fleet
        self._workers = workers
        self._chance = chance
        self.seen = Counter()

    def rage(self, num_kills):
        """So many kills, and two restarts of the database between them."""
        kills = [self._kill_worker, self._kill_child, self._kill_service]
        faults = [kills[number % len(kills)] for number in range(num_kills)]
        self._chance.shuffle(faults)
        faults.insert(num_kills // 3, self._restart_database)
        faults.insert(2 * num_kills // 3, self._crash_database)
        for fault in faults:
            time.sleep(self._chance.uniform(*_PAUSES))
            self.seen[fault()] += 1

    def _kill_worker(self):
        victim = self._chance.choice(self._workers)
        self._fleet.kill(victim)
        self._fleet.start(victim)
        return "a worker killed with -9"

    def _kill_child(self):
        while True:
            worker = self._chance.choice(self._workers)
            templates = _children(self._fleet.pid(worker))
            trainings = [pid for each in templates for pid in _children(each)]
            # None while the worker starts, or it ends before it is killed.
            with suppress(IndexError, ProcessLookupError):
                os.kill(int(self._chance.choice(trainings)), signal.SIGKILL)
                return "a training process killed with -9"
            time.sleep(0.05)

    def _kill_service(self):
        self._service.kill("service")
        self._service.start("service")
        return "the service killed with -9"

    def _restart_database(self):
        self._server.stop()
        time.sleep(_OUTAGE_SECONDS)
        self._server.start()
        return "the database stopped, and started 2 s later"

    def _crash_database(self):
        self._server.crash()
        time.sleep(_OUTAGE_SECONDS)
        self._server.start()
        return "the database crashed, and started 2 s later"


def _children(pid):
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:  # it has ended meanwhile
        return []
