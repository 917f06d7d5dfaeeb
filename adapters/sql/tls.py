"""Whom to trust to be the PostgreSQL server, as libpq's `sslmode` and `sslrootcert` have it (its manual, 32.19.1)."""

import ssl
from collections.abc import Mapping
from pathlib import Path

from adapters.sql.database_url import UnusableDatabaseUrl

_VERIFIES = {"verify-ca": False, "verify-full": True}  # whether the certificate must also be for that host
_SYSTEM = "system"


def trust(query: Mapping[str, object]) -> ssl.SSLContext | None:
    """What the driver verifies a server by; `None` where it is asked to verify none. Or `UnusableDatabaseUrl`.

    Left to the driver, a file that cannot be read would be told of at each connection, as if by a bug.
    """
    mode, named = str(query.get("ssl", "")), str(query.get("sslrootcert", ""))
    if mode not in _VERIFIES:
        if named:
            raise UnusableDatabaseUrl("It says sslrootcert, and verifies nobody by it: write sslmode=verify-full.")
        return None
    file = named or str(Path.home() / ".postgresql" / "root.crt")
    if named == _SYSTEM and not _VERIFIES[mode]:
        raise UnusableDatabaseUrl("sslrootcert=system is for sslmode=verify-full: it trusts whoever has a certificate.")
    try:
        context = ssl.create_default_context(cafile=None if named == _SYSTEM else file)
    except OSError as error:  # what is no certificate, too
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise UnusableDatabaseUrl(
            f"sslmode={mode} trusts the authorities of {file}, which cannot be read: {why}. Write sslrootcert=/path, or"
            " sslrootcert=system for those of the system."
        ) from None
    context.check_hostname = _VERIFIES[mode]
    return context
