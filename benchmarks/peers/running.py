"""Making a peer's environment from its lock, and running it: what all peers share."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.peers import PeerMissing

PASSWORD = "four old lamps burn slowly"
SIGN_UPS = 20_000
_SECONDS_TO_SET_UP = 300
_SECONDS_TO_START = 30
_SECONDS_TO_SEED = 120


def pinned(lock: Path, package: str) -> str:
    """The version of `package` in a requirements lock, or in npm's."""
    text = lock.read_text(encoding="utf-8")
    if lock.suffix == ".json":
        return str(json.loads(text)["packages"][f"node_modules/{package}"]["version"])
    found = re.search(rf"^{re.escape(package)}==(\S+)", text, re.MULTILINE)
    if found is None:
        raise LookupError(f"{lock} does not pin {package}.")
    return found[1]


def make_python_environment(folder: Path, lock: Path) -> None:
    """`folder/bin/python` with exactly what `lock` names. Made anew when the lock has changed."""
    if _is_made_from(folder, lock):
        return
    _make([sys.executable, "-m", "venv", "--clear", str(folder)])
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _make([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(lock)])
    _remember(folder, lock)


def make_node_environment(folder: Path, source: Path) -> None:
    """The modules of `source` in `folder`, beside what its package-lock.json names: Node looks for packages beside the file."""
    lock = source / "package-lock.json"
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise PeerMissing("There is no Node.js with npm here.")
    if not _is_made_from(folder, lock):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, folder)
        _make(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)])
        _remember(folder, lock)
    for module in source.glob("*.mjs"):
        shutil.copy(module, folder)


def seed(command: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> list[Any]:
    """What the peer's own program printed, as JSON, after it made the users."""
    done = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_SECONDS_TO_SEED,
    )
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stderr[-2000:]}")
    made: list[Any] = json.loads(done.stdout)
    return made


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextmanager
def served(command: Sequence[str], *, folder: Path, port: int, environment: Mapping[str, str]) -> Iterator[int]:
    """The process id of the server, once it listens. At the end it is stopped, with all that it started."""
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment}, start_new_session=True)
    try:
        _wait_until_it_listens(process, port)
        yield process.pid
    finally:
        for sent in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, sent)
                process.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def prove_that_it_knows(token: str, *, port: int, path: str, email: str) -> None:
    """Some answer a stranger with 200: what is measured has to be the answer to somebody known."""
    asked = Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
    with urlopen(asked, timeout=5) as answer:
        if email not in answer.read().decode():
            raise RuntimeError(f"{path} did not answer with the user whose token it was given.")


def asking(path: str, *, port: int, method: str = "GET", token: str = "", kind: str = "", body: bytes = b"") -> bytes:
    """A whole HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: application/json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if kind:
        lines.append(f"Content-Type: {kind}")
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode} before it listened.")
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not listen after {_SECONDS_TO_START} s.")


def _make(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_SECONDS_TO_SET_UP)
    except subprocess.TimeoutExpired:
        raise PeerMissing(f"It could not be set up in {_SECONDS_TO_SET_UP} s: {command[0]} did not end.") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise PeerMissing(f"It could not be set up: {Path(command[0]).name} said: {said[-1][:200]}")


def _is_made_from(folder: Path, lock: Path) -> bool:
    made_from = folder / "made-from"
    return made_from.exists() and made_from.read_bytes() == lock.read_bytes()


def _remember(folder: Path, lock: Path) -> None:
    shutil.copy(lock, folder / "made-from")
