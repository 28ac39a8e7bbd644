"""How long the reading of one log may work."""

import time

from .exceptions import LogTooLargeError


class Deadline:
    """Ends a reading that takes too long, on the thread that made it.

    Args:
        seconds: CPU time of the thread; waiting for a disk or a client counts nothing.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.thread_time() + seconds

    def check(self) -> None:
        """Called for every piece that is read.

        Raises:
            LogTooLargeError: The time is used up.
        """
        if time.thread_time() > self._end:
            raise LogTooLargeError(
                f"reading takes more than {self._seconds:g} s of work: send fewer "
                "steps, columns or files"
            )
