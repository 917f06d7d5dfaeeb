"""What the documents say, held against what is there."""

import json
import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest

from application.keys.publish_revocations import RevocationFeed
from domain.events import Event
from domain.revocation import FeedPosition, RevocationPage
from domain.session import SessionId
from entrypoints.http.app import create_app
from entrypoints.http.routes.keys import RevocationsOut, entry_of
from entrypoints.settings import Settings

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
VARIABLE = re.compile(r"# (PORTUNUS_[A-Z0-9_]+)=(.*)")

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def test_the_example_of_env_names_exactly_the_settings() -> None:
    assert [name for name, _ in example_variables()] == [f"PORTUNUS_{field.upper()}" for field in Settings.model_fields]


def test_the_example_of_env_says_of_each_setting_what_the_setting_says() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    before = {line.removeprefix("# ").partition("=")[0]: comment for comment, line in pairwise(lines)}

    for name, field in Settings.model_fields.items():
        assert before[f"PORTUNUS_{name.upper()}"] == f"# {field.description}"


def test_the_defaults_of_the_example_of_env_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, _ in example_variables():
        monkeypatch.delenv(name, raising=False)
    copied = tmp_path / ".env"
    copied.write_text("".join(f"{name}={value}\n" for name, value in example_variables() if value))

    assert Settings(_env_file=copied) == Settings(_env_file=None)


def test_the_example_of_env_leaves_a_value_empty_only_where_there_is_no_default() -> None:
    empty = {name for name, value in example_variables() if not value}

    without_default = {f"PORTUNUS_{name.upper()}" for name, field in Settings.model_fields.items() if not field.default}
    assert empty <= without_default


def test_the_operating_guide_has_each_setting_once_with_its_default() -> None:
    rows = [line for line in (ROOT / "docs" / "operating.md").read_text().splitlines() if line.startswith("| `PORTUNUS_")]
    defaults = {name: f"`{value}`" if value else "none" for name, value in example_variables()}
    wanted = [
        f"| `PORTUNUS_{name.upper()}` | {defaults[f'PORTUNUS_{name.upper()}']} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]

    assert sorted(rows) == sorted(wanted), "add to docs/operating.md the rows that are missing, or mend those that differ"


def test_the_operating_guide_says_of_each_event_what_to_do() -> None:
    named = set(re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs" / "operating.md").read_text(), flags=re.MULTILINE))

    assert {re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower() for event in get_args(Event)} <= named


@each_document
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(document.read_text())):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        linked = (document.parent / path).resolve() if path else document

        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_path_in_backticks_exists(name: str) -> None:
    named = re.findall(r"`([^`\s]+)`", without_code((ROOT / name).read_text()))
    paths = [text for text in named if re.fullmatch(r"[\w.-]+(/[\w.-]+)*(\.py|/)", text)]

    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_architecture_is_told_in_250_lines() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text().splitlines()) <= 250


def test_decisions_are_numbered_without_a_gap_and_fit_on_a_page() -> None:
    folder = ROOT / "docs" / "decisions"
    decisions = sorted(folder.glob("[0-9]*.md"))

    assert [path.name[:5] for path in decisions] == [f"{number:04}-" for number in range(1, len(decisions) + 1)]
    assert [path.name for path in decisions if len(path.read_text().splitlines()) > 60] == []
    assert re.findall(r"\]\((\S+\.md)\)", (folder / "README.md").read_text()) == [path.name for path in decisions]


def test_the_page_on_the_revocation_feed_has_the_members_and_the_entries_of_the_feed() -> None:
    page = (ROOT / "docs" / "revocation-feed.md").read_text()
    members = re.findall(r"^\| `(\w+)` \| (?:integer|boolean|strings?) \|", page, flags=re.MULTILINE)
    vector = re.findall(r"^\| `([0-9a-f-]{36})` \| `([\w-]{22})` \|", page, flags=re.MULTILINE)
    [example] = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)

    told = RevocationsOut.of(a_feed(*(SessionId(UUID(sid)) for sid, _ in vector)), entry_of)

    assert [list(json.loads(example)), members] == [list(RevocationsOut.model_fields)] * 2
    assert told.revoked == [entry for _, entry in vector]
    assert len(vector) == 2


def test_the_description_of_the_api_is_that_of_the_routes() -> None:
    described = json.loads((ROOT / "openapi.json").read_text())

    assert described == create_app({}).openapi(), "run: make openapi"


def a_feed(*ended: SessionId) -> RevocationFeed:
    until = FeedPosition(epoch="0", timeline=0, xid=0, id=0)
    as_of = datetime(2026, 11, 24, tzinfo=UTC)
    page = RevocationPage(as_of=as_of, until=until, reset=True, is_last=True, sessions=ended, kids=())
    return RevocationFeed(page=page, next="")


def example_variables() -> list[tuple[str, str]]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return [(found[1], found[2]) for line in lines if (found := VARIABLE.fullmatch(line))]


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """Of its headings, as renderers of Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", without_code(document.read_text()), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
