"""`python -m storage.database.backup_commands backup|restore FILE`."""

import argparse
import sys
from pathlib import Path

from pydantic import ValidationError

from ..config import StorageSettings
from .backups import BackupError, back_up, restore


def main() -> None:
    """Does one of both; exits with a message when that cannot be done."""
    parser = argparse.ArgumentParser(prog="gradhealth")
    parser.add_argument("command", choices=["backup", "restore"])
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    act = back_up if arguments.command == "backup" else restore
    try:
        act(StorageSettings(), arguments.file)
    except ValidationError as error:
        sys.exit(f"a setting is wrong: {error}")
    except BackupError as error:
        sys.exit(f"gradhealth: {error}")


if __name__ == "__main__":
    main()
