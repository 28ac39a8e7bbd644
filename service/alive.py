"""`python -m service.alive`: whether the service of this machine answers.

The health check of its container: exits with a message and 1 when it does not.
"""

import sys

import httpx

from .config import ServiceSettings

ANSWER_SECONDS = 5.0


def main() -> None:
    """Asks once."""
    settings = ServiceSettings()
    url = f"http://127.0.0.1:{settings.port}/healthz"
    # A name it answers to, whatever the allowed ones are.
    headers = {"Host": settings.host}
    try:
        answer = httpx.get(
            url, headers=headers, timeout=ANSWER_SECONDS, trust_env=False
        )
        answer.raise_for_status()
    except httpx.HTTPError as error:
        sys.exit(f"{url}: {error}")


if __name__ == "__main__":
    main()
