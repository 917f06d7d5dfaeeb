"""Serves an app of the benchmark as `portunus serve` serves Portunus: `python -m benchmarks.serve --port PORT`."""

import os
import signal
import sys

from entrypoints.cli.serve import server_config
from entrypoints.http.draining import serve_until_stopped
from entrypoints.logs import configure_logs
from entrypoints.settings import Settings


def main(port: str) -> None:
    os.environ["PORTUNUS_PORT"] = port
    settings = Settings.read()
    configure_logs(settings.log_level)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serve_until_stopped(server_config("benchmarks.apps:of_this_process", settings, workers=1))


if __name__ == "__main__":
    main(sys.argv[2])
