"""What every test may ask for."""

import asyncio
import logging
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, settings

from adapters.sql.migrate import upgrade
from entrypoints.logs import configure_logs
from tests.databases import Databases, databases_for_tests
from tests.fakes import FakeClock
from tests.forks import ended as forks_ended
from tests.leaks import Run
from tests.order import LongestFirst

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Logs the whole run at DEBUG, learns every secret that goes through a client, and fails if the log has one (KS-06)."""
    made = Run(tmp_path_factory.getbasetemp())
    send = httpx2.AsyncClient.send

    async def send_and_learn(self: httpx2.AsyncClient, request: httpx2.Request, **options: Any) -> httpx2.Response:
        answer = await send(self, request, **options)
        made.secrets.learn(request, answer)
        return answer

    with made.log.open("w", encoding="utf-8") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx2.AsyncClient, "send", send_and_learn)
        configure_logs("debug", stream)
        [handler] = logging.getLogger().handlers
        for name in ("httpx2", "httpcore2", "httpx", "httpcore"):  # the clients' own lines are not the service's
            logging.getLogger(name).setLevel(logging.WARNING)
        yield made
        assert handler in logging.getLogger().handlers, "a test has sent the log elsewhere"
    assert made.leaked() == {}


@pytest.fixture(scope="session", autouse=True)
def forks() -> Iterator[None]:
    with forks_ended():
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    with databases_for_tests() as made:
        yield made


@pytest.fixture(scope="session")
def sqlite_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """Puts a file at the current schema into a folder, by copying one that was migrated once; its URL."""
    migrated = tmp_path_factory.mktemp("sqlite") / "portunus.db"
    asyncio.run(upgrade(f"sqlite:///{migrated}"))

    def put(folder: Path) -> str:
        return f"sqlite:///{shutil.copy(migrated, folder)}"

    return put


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LongestFirst:
    return LongestFirst(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What tests log on purpose has half characters, which do not reach the process that reports."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report
