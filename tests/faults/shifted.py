"""Portunus with a clock that is off by as many seconds as the file in PORTUNUS_FAULTS_CLOCK says. Run with `--port N`."""

import os
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path

import uvicorn
from dependency_injector import providers
from fastapi import FastAPI

from adapters.clock import SystemClock
from entrypoints.container.root import build
from entrypoints.http.draining import DrainingHttp
from entrypoints.http.factory import app_on
from entrypoints.logs import configure_logs
from entrypoints.settings import Settings


class ShiftedClock:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._true = SystemClock()

    def now(self) -> datetime:
        return self._true.now() + timedelta(seconds=float(self._file.read_text()))


def make_shifted_app() -> FastAPI:
    settings = Settings.read()
    configure_logs(settings.log_level)
    container = build(settings)
    container.adapters.clock.override(providers.Object(ShiftedClock(Path(os.environ["PORTUNUS_FAULTS_CLOCK"]))))
    return app_on(container, settings)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as `portunus serve` does
    uvicorn.run(make_shifted_app, factory=True, port=int(sys.argv[-1]), http=DrainingHttp, ws="none", log_config=None)
