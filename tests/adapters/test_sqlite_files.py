import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sql.engines import open_engine
from adapters.sql.migrate import upgrade


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


@pytest.fixture
def generous_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("generous_umask")
async def test_a_database_and_its_log_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    await upgrade(f"sqlite:///{tmp_path}/portunus.db")
    engine = open_engine(f"sqlite:///{tmp_path}/portunus.db", pool_size=1)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM users")

        found = modes(tmp_path)

    await engine.dispose()
    assert found == {"portunus.db": 0o600, "portunus.db-wal": 0o600, "portunus.db-shm": 0o600}


async def test_opening_an_engine_makes_no_file(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/portunus.db", pool_size=1)

    assert modes(tmp_path) == {}
    await engine.dispose()


async def test_a_mode_that_the_operator_chose_stays(tmp_path: Path) -> None:
    await upgrade(f"sqlite:///{tmp_path}/portunus.db")
    tmp_path.joinpath("portunus.db").chmod(0o660)

    await upgrade(f"sqlite:///{tmp_path}/portunus.db")

    assert tmp_path.joinpath("portunus.db").stat().st_mode & 0o777 == 0o660
