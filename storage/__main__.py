"""`python -m storage`: brings the configured database to the newest schema."""

import asyncio
import sys

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from .config import StorageSettings
from .database.migrate import migrate


def main() -> None:
    """Migrates; exits with a message when that cannot be done."""
    try:
        asyncio.run(migrate(StorageSettings()))
    except ValidationError as error:
        sys.exit(f"a setting is wrong: {error}")
    except (SQLAlchemyError, OSError) as error:
        sys.exit(f"cannot migrate the database: {error}")


main()
