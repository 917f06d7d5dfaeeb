"""Looking, at the end of a run, for every secret that the tests sent or were given in every line that was logged meanwhile."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import httpx2

from tests.examples import PASSWORD, SECRET

_FEWEST_CHARACTERS = 14  # what is shorter is in a log by chance
_WORDS_OF_THE_CODE = re.compile("[a-z]+(_[a-z]+)+")
_SECRET_MEMBERS = ("password", "token", "secret")


def _is_secret(text: str) -> bool:
    """Not so the words of the code, which hypothesis sends as well, and which are what the log is made of."""
    return len(text) >= _FEWEST_CHARACTERS and len(set(text)) > 3 and not _WORDS_OF_THE_CODE.fullmatch(text)


class Secrets:
    """What has been sent and answered as a password, a token, or a client's secret."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._forms: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)  # and of what, by how they begin
        self._know([PASSWORD, SECRET])

    def __len__(self) -> int:
        return len(self._known)

    def learn(self, request: httpx2.Request, answer: httpx2.Response) -> None:
        _, _, credential = request.headers.get("Authorization", "").partition(" ")
        bodies = [_members(request.content)] if hasattr(request, "_content") else []
        bodies.append(_members(answer.content) if hasattr(answer, "_content") else {})
        bodies.append(dict(request.url.params))
        self._know([credential])
        for body in bodies:
            self._know(value for name, value in body.items() if name.endswith(_SECRET_MEMBERS) and isinstance(value, str))

    def _know(self, found: Iterable[str]) -> None:
        for secret in {each for each in found if _is_secret(each)} - self._known:
            self._known.add(secret)
            for form in _forms(secret):
                self._forms[form[:_FEWEST_CHARACTERS]].append((form, secret))

    def found_in(self, log: str) -> list[str]:
        """The beginning of each secret that `log` has, as it is, escaped, percent-encoded, or only its latter half."""
        found = {
            secret
            for at in range(len(log))
            for form, secret in self._forms.get(log[at : at + _FEWEST_CHARACTERS], ())
            if log.startswith(form, at)
        }
        return sorted(f"{secret[:8]}…" for secret in found)


class Run:
    """One run of the tests: the secrets, and where lines were logged: by itself, and by the servers that it started."""

    def __init__(self, folder: Path) -> None:
        self.secrets = Secrets()
        self.folder = folder
        self.log = folder / "run.log"

    def leaked(self) -> dict[str, list[str]]:
        logs = [self.log, *self.folder.rglob("serve-*.log")]
        found = {str(log): self.secrets.found_in(log.read_text(errors="replace")) for log in logs}
        return {log: secrets for log, secrets in found.items() if secrets}


def _forms(secret: str) -> set[str]:
    half = secret[-max(len(secret) // 2, _FEWEST_CHARACTERS) :]
    return {half, json.dumps(half)[1:-1], quote(half), half.encode("unicode_escape").decode("ascii")}


def _members(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return dict(parse_qsl(content.decode("utf-8", "replace")))
    return found if isinstance(found, dict) else {}
