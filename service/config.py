"""Settings of the HTTP service, read from the environment once at the door."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gradhealth.architecture.limits import Limits
from gradhealth.ingest import IngestLimits
from gradhealth.telemetry.log_lines import LogFormat
from storage.config import with_files_read
from storage.webhooks.secrets import Secrets

DEFAULTS, LOGS = Limits(), IngestLimits()
# Fewer could be guessed by whoever has the database and one signed event.
SECRET_KEY_LENGTH = 32


class ServiceSettings(BaseSettings):
    """How the service listens and what it accepts; `GRADHEALTH_<NAME>` sets each.

    Attributes:
        host: Address to listen on.
        port: TCP port to listen on; 0 picks a free one.
        metrics_host: Address to listen on for `/metrics` alone.
        metrics_port: Its TCP port, where nobody is asked for a key; none when unset:
            `/metrics` is then read with a key of the scope `admin`.
        allowed_hosts: Names a request's Host header may carry, without the port.
            A page of a foreign site that resolves its own name to this machine
            (DNS rebinding) is kept out by this list.
        max_body_bytes: Largest request body.
        max_body_values: Most JSON values in a body; data travels as one base64 string.
        max_batch_values: Most numbers in a batch of a run, gaps included.
        max_log_bytes: Largest log, as it is sent.
        max_log_bytes_at_once: Largest log that is judged in its request, as it is
            sent; a larger one waits for a worker.
        max_log_unpacked_bytes: Largest log when it is unpacked.
        max_log_values: Most values that are kept of a log while it is read; of a
            longer one every second, fourth, ... step is.
        max_log_cells: Most steps times columns that are judged; longer runs are
            thinned.
        max_log_columns: Most different names in a run.
        max_log_runs: Most runs in a log.
        max_log_files: Most files in an archive of logs.
        max_log_seconds: CPU time of reading a log; what takes more is refused.
        max_logs_at_once: So many logs are read at a time, by each process.
        max_layers: Most layers of a network, repeats expanded, and of a run.
        max_nesting: How deep layers may stand inside layers.
        max_parameters: Most parameters of a network.
        max_sample_size: Most numbers in one sample.
        max_batch_activations: Most numbers in all activations of one batch.
        max_drawn_numbers: Most numbers in a built-in data set.
        max_steps: Most training steps.
        max_batch_size: Largest batch.
        key_requests_per_minute: Requests with one key; as many may come at once.
        project_requests_per_minute: Requests with all keys of a project.
        wrong_keys_per_minute: Keys that open nothing, from one address; as many may
            come at once.
        project_open_analyses: Most analyses of a project that are queued and running.
        project_work_seconds: Most seconds a day that workers give to a project; a
            day is one of UTC. No limit when unset.
        project_stored_bytes: Most bytes that a project stores; no limit when unset.
        project_webhooks: Most webhooks of a project.
        webhook_attempts: After so many a delivery is dead.
        webhook_first_pause_seconds: Pause after the first attempt; each further one is
            4 times as long, up to a day.
        webhook_seconds: What an attempt may take.
        webhook_private_targets: Whether webhooks may be on this machine and in
            private networks.
        webhook_secret_key: The secrets of new webhooks are derived from it, and so not
            in the database; of several, with blanks between, from the first.
        webhook_secret_key_file: A file that holds it, in place of `webhook_secret_key`.
        run_memory_mb: What the histories of runs that are judged may take.
        gpu_parameters: A network with so many parameters is for a GPU, where one is.
        gpus_on_demand: Whether workers with a GPU are started when work waits for one.
        worker_alive_seconds: A worker silent for longer does not count as alive.
        log_level: The mildest messages that are logged.
        log_format: `console` for people, `json` for programs: an object a line.
    """

    model_config = SettingsConfigDict(env_prefix="GRADHEALTH_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    max_body_bytes: int = Field(default=16 * 2**20, gt=0)
    max_body_values: int = Field(default=200_000, gt=0)
    max_batch_values: int = Field(default=4_000_000, gt=0)
    max_log_bytes: int = Field(default=64 * 2**20, gt=0)
    max_log_bytes_at_once: int = Field(default=8 * 2**20, ge=0)
    max_log_unpacked_bytes: int = Field(default=512 * 2**20, gt=0)
    max_log_values: int = Field(default=2**22, gt=0)
    max_log_cells: int = Field(default=2**21, gt=0)
    max_log_columns: int = Field(default=LOGS.columns, gt=0)
    max_log_runs: int = Field(default=LOGS.runs, gt=0)
    max_log_files: int = Field(default=LOGS.files, gt=0)
    max_log_seconds: float = Field(default=60.0, gt=0)
    max_logs_at_once: int = Field(default=2, gt=0)
    max_layers: int = Field(default=DEFAULTS.layers, gt=0)
    max_nesting: int = Field(default=DEFAULTS.nesting, gt=0)
    max_parameters: int = Field(default=DEFAULTS.parameters, gt=0)
    max_sample_size: int = Field(default=DEFAULTS.sample_size, gt=0)
    max_batch_activations: int = Field(default=DEFAULTS.batch_activations, gt=0)
    max_drawn_numbers: int = Field(default=DEFAULTS.drawn_numbers, gt=0)
    max_steps: int = Field(default=DEFAULTS.steps, gt=0)
    max_batch_size: int = Field(default=DEFAULTS.batch_size, gt=0)
    key_requests_per_minute: int = Field(default=1200, gt=0)
    project_requests_per_minute: int = Field(default=6000, gt=0)
    wrong_keys_per_minute: int = Field(default=60, gt=0)
    project_open_analyses: int = Field(default=2000, gt=0)
    project_work_seconds: float | None = Field(default=None, gt=0)
    project_stored_bytes: int | None = Field(default=20 * 2**30, gt=0)
    project_webhooks: int = Field(default=20, gt=0)
    webhook_attempts: int = Field(default=10, gt=0)
    webhook_first_pause_seconds: float = Field(default=5.0, gt=0)
    webhook_seconds: float = Field(default=10.0, gt=0)
    webhook_private_targets: bool = False
    webhook_secret_key: str | None = Field(default=None, repr=False)
    webhook_secret_key_file: Path | None = None
    run_memory_mb: int = Field(default=256, gt=0)
    gpu_parameters: int = Field(default=2_000_000, ge=0)
    gpus_on_demand: bool = False
    worker_alive_seconds: float = Field(default=20.0, gt=0)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: LogFormat = "console"

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        return with_files_read(values, "webhook_secret_key")

    @field_validator("webhook_secret_key")
    @classmethod
    def _is_long(cls, value: str | None) -> str | None:
        keys = [] if value is None else value.split()
        if value is not None and (not keys or min(map(len, keys)) < SECRET_KEY_LENGTH):
            msg = (
                f"a key has {SECRET_KEY_LENGTH} characters or more: make one with "
                "`openssl rand -hex 32`"
            )
            raise ValueError(msg)
        return value

    @property
    def webhook_secrets(self) -> Secrets:
        """Makes the secrets of webhooks."""
        return Secrets((self.webhook_secret_key or "").split())

    @property
    def limits(self) -> Limits:
        """The largest spec that is accepted."""
        return Limits(
            layers=self.max_layers,
            nesting=self.max_nesting,
            parameters=self.max_parameters,
            sample_size=self.max_sample_size,
            batch_activations=self.max_batch_activations,
            drawn_numbers=self.max_drawn_numbers,
            steps=self.max_steps,
            batch_size=self.max_batch_size,
        )

    @property
    def log_limits(self) -> IngestLimits:
        """The largest log that is read."""
        return IngestLimits(
            bytes=self.max_log_unpacked_bytes,
            values=self.max_log_values,
            cells=self.max_log_cells,
            columns=self.max_log_columns,
            runs=self.max_log_runs,
            files=self.max_log_files,
            seconds=self.max_log_seconds,
        )
