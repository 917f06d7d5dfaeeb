"""What development mode makes on its first start."""

import os
import secrets
from pathlib import Path

from sqlalchemy import make_url

from entrypoints.settings import Settings, UnsafeSettings


def make_secret_if_missing(settings: Settings) -> str | None:
    """Make the secret that the settings point to, readable by its owner only; what to tell them, if it was made.

    Raises `UnsafeSettings` beside a database that was sealed under a secret that has gone.
    """
    path = settings.secret_key_file
    if settings.env != "development" or path is None or path.exists():
        return None
    database = make_url(settings.database_url.get_secret_value())
    if database.drivername == "sqlite" and database.database and Path(database.database).exists():
        raise UnsafeSettings(
            f"{path} is missing, but {database.database} was made with it: "
            f"bring {path} back, or remove {database.database} to begin anew."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return f"Made the secret that tokens and keys depend on: {path}, readable by you only. Keep it as long as the database."
