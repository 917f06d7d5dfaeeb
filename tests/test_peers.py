"""The peers of the benchmark are pinned, and declared whole. Whether they run the benchmark sees: it needs registries."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.peers import PeerMissing
from benchmarks.peers.known import PEERS
from benchmarks.peers.running import asking, make_node_environment, make_python_environment, pinned

FOLDER = Path(__file__).parent.parent / "benchmarks" / "peers"
LOCKS = sorted(FOLDER.glob("*/requirements.lock"))
SOURCES = {"fastapi-users": "fastapi_users", "the tutorial's app": "tutorial", "better-auth": "better_auth"}


def test_every_peer_has_a_folder_with_a_lock_and_no_folder_is_left_out() -> None:
    named = {source for name, source in SOURCES.items() if any(peer.name.startswith(name) for peer in PEERS)}

    assert len(PEERS) == len(SOURCES)
    assert named == {lock.parent.name for lock in [*FOLDER.glob("*/requirements.lock"), *FOLDER.glob("*/package-lock.json")]}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_every_package_of_a_python_peer_is_pinned_with_hashes(lock: Path) -> None:
    packages = list(_packages(lock.read_text(encoding="utf-8")))

    assert packages
    assert [text for text in packages if not re.match(r"[a-z0-9.-]+==\S+", text) or "--hash=sha256:" not in text] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_a_python_peer_locks_what_it_asks_for(lock: Path) -> None:
    asked = lock.with_suffix(".in").read_text(encoding="utf-8").split()

    assert [name for name in asked if not pinned(lock, re.split(r"[\[=]", name)[0])] == []


def test_every_package_of_better_auth_is_pinned_with_its_digest_and_from_no_particular_registry() -> None:
    lock = FOLDER / "better_auth" / "package-lock.json"
    asked = json.loads((lock.parent / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]

    own = packages.pop("")

    assert own["dependencies"] == asked
    assert {name: pinned(lock, name) for name in asked} == asked
    assert [name for name, package in packages.items() if "integrity" not in package or "resolved" in package] == []


def test_fastapi_users_is_the_fifteenth() -> None:
    assert PEERS[0].name.startswith("fastapi-users 15.")


def test_no_peer_is_a_dependency_of_portunus() -> None:
    lock = (FOLDER.parent.parent / "requirements-dev.lock").read_text(encoding="utf-8")

    assert not re.search(r"^(fastapi-users|pwdlib|passlib)==", lock, re.MULTILINE)


def test_a_python_peer_that_cannot_be_installed_says_why(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("this-is-no-requirement==\n", encoding="utf-8")

    with pytest.raises(PeerMissing, match="could not be set up: python said: "):
        make_python_environment(tmp_path / "environment", lock)


def test_a_node_peer_says_where_there_is_no_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PeerMissing, match=r"no Node\.js"):
        make_node_environment(tmp_path / "environment", FOLDER / "better_auth")


def test_a_request_says_how_long_its_body_is() -> None:
    asked = asking("/token", port=80, method="POST", kind="text/plain", body=b"four")

    assert asked.endswith(b"Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nfour")


def _packages(lock: str) -> Iterator[str]:
    """Each requirement with its hashes, which stand on the lines after it."""
    joined = lock.replace("\\\n", " ")
    return (line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#"))
