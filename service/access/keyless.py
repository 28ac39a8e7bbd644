"""Whether a service may listen where it is told to: without keys, only to itself."""

import logging

from sqlalchemy.exc import DBAPIError

from storage.access.keys import KeyStore
from storage.config import StorageSettings
from storage.database.session import Sessions, create_engine

from ..sockets import CannotListenError, is_this_machine

logger = logging.getLogger(__name__)


async def check_keys(host: str, storage: StorageSettings) -> None:
    """Makes sure that others than this machine need a key, and that there is one.

    Args:
        host: The address that is listened on.
        storage: Where the keys are kept.

    Raises:
        CannotListenError: Others could reach it, and no key opens anything.
    """
    if is_this_machine(host):
        return
    engine = create_engine(storage)
    try:
        if await KeyStore(Sessions(engine)).any_is_valid():
            return
    except (DBAPIError, OSError) as error:
        # Not a reason to stay down: every request needs a key all the same.
        reason = str(error).partition("\n")[0]
        logger.warning("cannot look for keys, so none may open anything: %s", reason)
        return
    finally:
        await engine.dispose()
    raise CannotListenError(
        f"will not listen on {host}: there is no key, so whoever reaches it could "
        "use it. Make one with `gradhealth key create --project NAME`, or listen on "
        "127.0.0.1"
    )
