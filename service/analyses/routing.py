"""Decides which workers an analysis is for."""

from gradhealth.architecture.network import Network
from gradhealth.schemas.analysis import Device, Options
from storage.work.workers import WorkerStore


class Routing:
    """Sends large networks to GPUs, where there are any, and all others to CPUs.

    Small networks train faster on a CPU, and a queue of them would keep the large ones
    from the GPUs.

    Args:
        workers: Who is there.
        gpu_parameters: A network with so many parameters is large.
        gpus_on_demand: Whether a GPU is there as soon as work waits for one.
        worker_alive_seconds: A worker silent for longer does not count.
    """

    def __init__(
        self,
        workers: WorkerStore,
        *,
        gpu_parameters: int,
        gpus_on_demand: bool,
        worker_alive_seconds: float,
    ) -> None:
        self._workers = workers
        self._gpu_parameters = gpu_parameters
        self._gpus_on_demand = gpus_on_demand
        self._worker_alive_seconds = worker_alive_seconds

    async def queue_for(self, network: Network, options: Options) -> Device:
        """The queue of an analysis; what is asked for, where something is."""
        if options.device != "auto":
            return options.device
        if network.num_parameters < self._gpu_parameters:
            return "cpu"
        if self._gpus_on_demand:
            return "gpu"
        alive = await self._workers.alive(self._worker_alive_seconds)
        has_gpu = any(beat.device == "cuda" and beat.takes_work for beat in alive)
        return "gpu" if has_gpu else "cpu"
