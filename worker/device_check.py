"""Finds out whether the device still answers, after a training on it ended badly.

A GPU can get stuck in its driver: whatever is started on it hangs, and the process
that hangs cannot even be killed. A worker with such a device takes no more work and
says why; it needs the machine's attention, not the next analysis.
"""

import asyncio
import logging

from gradhealth.exceptions import GradHealthError
from gradhealth.schemas.analysis import Device

from .processes.supervisor import Supervisor

_logger = logging.getLogger(__name__)
_UNIT = "check_device"


class DeviceCheck:
    """Asks a device for a small sum, in a process of its own.

    Attributes:
        fault: What is wrong with a device; "" while all answer.
        found_fault: Set when something is.

    Args:
        within_seconds: Time in which the sum must come.
    """

    def __init__(self, supervisor: Supervisor, *, within_seconds: float) -> None:
        self.fault = ""
        self.found_fault = asyncio.Event()
        self._supervisor = supervisor
        self._within_seconds = within_seconds

    async def check(self, device: Device) -> None:
        """Look whether the device answers."""
        try:
            async with (
                self._supervisor.job(device) as job,
                asyncio.timeout(self._within_seconds),
            ):
                await job.run(_UNIT, {})
        except TimeoutError:
            self._report(device, f"it did not answer within {self._within_seconds:g} s")
        except GradHealthError as error:
            self._report(device, str(error))

    def _report(self, device: Device, why: str) -> None:
        self.fault = (
            f"the {device} of this worker is out of order: {why}; "
            "look after the machine and start the worker again"
        )
        _logger.error("%s", self.fault)
        self.found_fault.set()
