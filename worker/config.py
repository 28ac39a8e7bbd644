"""Settings of a worker."""

import math
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from gradhealth.schemas.analysis import Device
from gradhealth.telemetry.log_lines import LogFormat

from . import machine

Seconds = Annotated[float, Field(gt=0)]


class WorkerSettings(BaseSettings):
    """How a worker behaves (prefix `GRADHEALTH_`).

    Attributes:
        worker_id: Name among all workers, the same after a restart; host, device and
            the lowest free number when unset.
        queues: What it works on, `cpu` or `gpu` or both; both where it has a GPU.
        workers: Number of workers that share this machine.
        threads: Processor threads of a training. One is fastest for layers of a few
            hundred units and gives the same numbers on every machine; more pay off
            for large convolutions and matrices.
        child_memory_mb: Memory a training may take, in MiB; an even share of half of
            the machine when unset. Of a GPU's host memory it is noticed a moment late.
        job_seconds: Limit of a whole analysis.
        max_attempts: Attempts after which an analysis has failed.
        beat_seconds: Pause between two signs of life.
        dead_after_seconds: Silence after which the other workers take over.
        retention_days: How long finished analyses are kept; for ever when unset.
        poll_seconds: Pause between two looks into the queue.
        units_module: What the training processes run.
        analysis_module: What turns an analysis into units of work.
        drain_seconds: How long a worker that is told to stop may go on with what it
            has; what is unfinished then is given back.
        device_seconds: Time in which a device must answer after a training on it
            failed; a worker whose device does not takes no more work.
        log_level: The mildest messages that are logged.
        log_format: `console` for people, `json` for programs: an object a line.
    """

    model_config = SettingsConfigDict(
        env_prefix="GRADHEALTH_", extra="ignore", frozen=True
    )

    worker_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    queues: tuple[Device, ...] | None = None
    workers: Annotated[int, Field(ge=1)] = 1
    threads: Annotated[int, Field(ge=1)] = 1
    child_memory_mb: Annotated[int, Field(ge=1)] | None = None
    job_seconds: Seconds = 900.0
    max_attempts: Annotated[int, Field(ge=1)] = 3
    beat_seconds: Seconds = 1.0
    dead_after_seconds: Seconds = 20.0
    retention_days: Annotated[float, Field(gt=0)] | None = None
    poll_seconds: Seconds = 0.05
    drain_seconds: Annotated[float, Field(ge=0)] = 0.0
    device_seconds: Seconds = 30.0
    units_module: str = "worker.units"
    analysis_module: str = "worker.analysis"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: LogFormat = "console"

    @property
    def retention(self) -> timedelta | None:
        """How long finished analyses are kept; None for ever."""
        days = self.retention_days
        return None if days is None else timedelta(days=days)

    @property
    def cpu_limit_seconds(self) -> int:
        """Processor time of a training: as much as its threads can spend in time."""
        # One thread more pulls gradients back.
        return math.ceil(self.job_seconds * (self.threads + 1))

    @property
    def memory_limit_bytes(self) -> int:
        """Memory a training may take on top of the libraries."""
        if self.child_memory_mb is not None:
            return self.child_memory_mb * 2**20
        return machine.memory_bytes() // 2 // self.workers
