"""The file that holds the secret key."""

import os
from pathlib import Path

from entrypoints.settings import UnsafeSettings


def read_secret_file(path: Path) -> str:
    """Raises `UnsafeSettings` where it cannot be read, or others than its owner can.

    Read by its group it may be where the owner is another user: so orchestrators hand secrets to a process without root.
    """
    try:
        with path.open() as file:
            found = os.fstat(file.fileno())
            text = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UnsafeSettings(f"The secret's file, {path}, cannot be read: {why}.") from None
    if found.st_mode & (0o077 if found.st_uid == os.geteuid() else 0o007):
        raise UnsafeSettings(f"The secret's file, {path}, can be read by others. Run: chmod 600 {path}")
    return text
