from typing import Any

import pytest

from adapters.sql.database_url import UnusableDatabaseUrl, parse_database_url

FOREIGN_PARAMETER = (
    "It has a parameter other than host, port, sslmode, ssl, sslrootcert, target_session_attrs, pooler."
    " In a password, write ? as %3F."
)
TWO = {"host": ["h1", "h2"], "port": [5432, 5433], "target_session_attrs": "read-write"}


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("postgresql://user@h/db", {"user": "user", "host": "h", "port": 5432, "database": "db"}),
        ("postgres://h:6432/db", {"host": "h", "port": 6432, "database": "db"}),
        ("postgresql://u:p%40ss%2F@h/db", {"user": "u", "password": "p@ss/", "host": "h", "port": 5432, "database": "db"}),
        ("postgresql:///db", {"database": "db"}),
        ("postgresql://u@/db?host=/run/postgresql", {"user": "u", "host": "/run/postgresql", "port": 5432, "database": "db"}),
        ("postgresql://u@%2Frun%2Fpg/db", {"user": "u", "host": "/run/pg", "port": 5432, "database": "db"}),
        ("postgresql://[::1]:5433/db", {"host": "::1", "port": 5433, "database": "db"}),
        ("postgresql://h/db?sslmode=require", {"host": "h", "port": 5432, "database": "db", "ssl": "require"}),
        ("postgresql://h1,h2:5433/db?target_session_attrs=any", {**TWO, "target_session_attrs": "any", "database": "db"}),
        ("postgresql://u@h1:5432,h2:5433/db?target_session_attrs=read-write", {**TWO, "user": "u", "database": "db"}),
        ("postgresql://h1,h2:5433/db", {**TWO, "database": "db"}),
        ("postgresql:///db?host=h1,h2&port=5432,5433", {**TWO, "database": "db"}),
        ("postgresql:///db?host=h1,h2&port=,5433", {**TWO, "database": "db"}),
        ("postgresql:///db?host=h1:5432&host=h2:5433", {**TWO, "database": "db"}),
        ("postgresql:///db?host=h1&host=h2&port=5432&port=5433", {**TWO, "database": "db"}),
        ("postgresql://h1,h2/db?port=6432", {**TWO, "port": [6432, 6432], "database": "db"}),
        ("postgresql://h1,h2:5433/?target_session_attrs=primary", {**TWO, "target_session_attrs": "primary"}),
        ("postgresql://[::1]:5432,[::2]:5433/db", {**TWO, "host": ["::1", "::2"], "database": "db"}),
    ],
)  # fmt: skip
def test_what_operators_write_for_libpq_reaches_the_driver(text: str, arguments: dict[str, Any]) -> None:
    url = parse_database_url(text)

    assert url.get_dialect()().create_connect_args(url)[1] == arguments


def test_a_path_of_sqlite_is_kept() -> None:
    assert parse_database_url("sqlite:////data/portunus.db").render_as_string() == "sqlite+aiosqlite:////data/portunus.db"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "It is not a URL. Write sqlite:///path or postgresql://user@host/name."),
        ("h/db", "It is not a URL. Write sqlite:///path or postgresql://user@host/name."),
        ("sqlite:///", "Write memory://, sqlite:///path or postgresql://user@host/name."),
        ("mysql://h/db", "Write memory://, sqlite:///path or postgresql://user@host/name."),
        ("sqlite://", "Write memory://, sqlite:///path or postgresql://user@host/name."),
        ("postgresql://u:s3cret@[::1/db", "It is not a URL. Write postgresql://user@host/name."),
        ("postgresql://u:s3cret@::1/db", "It has an IPv6 address without brackets: write [::1]."),
        ("postgresql://u:s3cret@h:0/db", "It has a port that is none."),
        ("postgresql://u:s3cret@h:65536/db", "It has a port that is none."),
        ("postgresql://u:s3cret@h:s3cret/db", "It has a port that is none."),
        ("postgresql://u:s3cret@h1,,h2/db", "It has a host without a name."),
        ("postgresql://u:s3cret@h1,h2,h3/db?port=1,2", "It has 3 hosts and 2 ports: give one port for all, or one for each."),
        ("postgresql://u:s3cret@h1:1,h2/db?port=1,2", "It names ports twice: with the hosts, and as port=."),
        ("postgresql://u:s3cret@h1/db?host=h2", "It names hosts twice: before the name of the database, and as host=."),
        (
            "postgresql://u:s3cret@h/db?pooler=session",
            "pooler must be transaction, which does for one in session mode, too.",
        ),
        ("postgresql://h/db?sslmode=require&sslmode=disable", "It says sslmode twice."),
        (
            "postgresql://h/db?sslmode=yes",
            "sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full.",
        ),
        ("postgresql://h/db?application_name=x", FOREIGN_PARAMETER),
        ("postgresql://u:half?s3cret=more@h/db", FOREIGN_PARAMETER),
        ("postgresql://u:half?s3cret@h/db?port=1", FOREIGN_PARAMETER),
        (
            "postgresql://h/db?target_session_attrs=standby",
            "target_session_attrs must be one of any, read-write, primary: Portunus writes.",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason_and_no_secret(text: str, reason: str) -> None:
    with pytest.raises(UnusableDatabaseUrl) as refused:
        parse_database_url(text)

    assert str(refused.value) == reason
    assert "s3cret" not in reason
