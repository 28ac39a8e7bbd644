"""Settings of the HTTP service, read from the environment once at the door."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """How the service listens and what it accepts; `GRADHEALTH_<NAME>` sets each.

    Attributes:
        host: Address to listen on.
        port: TCP port to listen on; 0 picks a free one.
        allowed_hosts: Names a request's Host header may carry, without the port.
            A page of a foreign site that resolves its own name to this machine
            (DNS rebinding) is kept out by this list.
        max_body_bytes: Largest request body.
        max_body_values: Most JSON values in a body; data travels as one base64 string.
        worker_alive_seconds: A worker silent for longer does not count as alive.
    """

    model_config = SettingsConfigDict(env_prefix="GRADHEALTH_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    max_body_bytes: int = Field(default=16 * 2**20, gt=0)
    max_body_values: int = Field(default=200_000, gt=0)
    worker_alive_seconds: float = Field(default=20.0, gt=0)
