"""What development mode makes on its first start."""

import os
import secrets
from pathlib import Path

from entrypoints.settings import Settings, UnsafeSettings


def make_secret_if_missing(settings: Settings) -> str | None:
    """Make the secret that the settings point to, readable by its owner only; what to tell them, if it was made.

    Raises `UnsafeSettings` beside a database that was sealed under a secret that has gone.
    """
    path = settings.secret_key_file
    if settings.env != "development" or path is None or path.exists():
        return None
    url = settings.database_url.get_secret_value()
    database = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and database.exists():
        raise UnsafeSettings(
            f"{path} is missing, but {database} was made with it: bring {path} back, or remove {database} to begin anew."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return f"Made the secret that tokens and keys depend on: {path}, readable by you only. Keep it as long as the database."
