"""The security bar: which test proves which line. Run as a program, it writes docs/security-bar.md from a report of pytest."""

import ast
import re
import sys
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "security-bar.md"
NO_TEST = "no test yet"

_NAME = re.compile(r"test_((?:[a-z]{1,2}\d{2}_)*)(.*)")
_INTRODUCTION = """\
# The security bar

What must hold, and the tests that prove it. Written by `make bar`, which runs these tests, from the lines in
[tests/security_bar.toml](../tests/security_bar.toml) and the ids at the start of the tests' names.
"""


@dataclass(frozen=True, slots=True, order=True)
class Proof:
    path: str  # from the root
    test: str

    @property
    def ids(self) -> list[str]:
        """The lines that it proves: of `test_ht05_ht08_…`, HT-05 and HT-08."""
        found = _NAME.fullmatch(self.test)
        ids = found[1].upper().split("_")[:-1] if found else []
        return [f"{text[:-2]}-{text[-2:]}" for text in ids]

    def is_called(self, name: str) -> bool:
        """By that name, with or without ids before it and more words after it."""
        found = _NAME.fullmatch(self.test)
        return found is not None and f"{found[2]}_".startswith(f"{name}_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    what: str
    tests: Sequence[str]
    awaits: str = ""  # the capability that it is about, while that is not there


@dataclass(frozen=True, slots=True)
class Bar:
    lines: dict[str, dict[str, str]]  # what holds, by section and id
    incidents: Sequence[Incident]
    pending: Collection[str]

    @classmethod
    def read(cls) -> "Bar":
        text = tomllib.loads((ROOT / "tests" / "security_bar.toml").read_text())
        return cls(text["lines"], [Incident(**incident) for incident in text["incidents"]], text["pending"])

    @property
    def ids(self) -> list[str]:
        return [line for lines in self.lines.values() for line in lines]

    def proofs(self) -> list[Proof]:
        """Every test there is that proves a line or is named after an incident."""
        names = [name for incident in self.incidents for name in incident.tests]
        return [proof for proof in all_tests() if proof.ids or any(map(proof.is_called, names))]


def all_tests() -> list[Proof]:
    """Read from the sources, so that nothing has to run."""
    return sorted(
        Proof(str(path.relative_to(ROOT)), node.name)
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    )


def results(report: Path) -> dict[Proof, str]:
    """How each test went, over all its cases, from a JUnit report. A skip is no pass."""
    bad: dict[Proof, bool] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest has just written it
        path = case.attrib["classname"].replace(".", "/") + ".py"
        proof = Proof(path, case.attrib["name"].partition("[")[0])
        bad[proof] = bad.get(proof, False) or any(child.tag in {"failure", "error", "skipped"} for child in case)
    return {proof: "failed" if failed else "passed" for proof, failed in bad.items()}


def document(bar: Bar, outcomes: dict[Proof, str]) -> str:
    parts = [_INTRODUCTION]
    for title, lines in bar.lines.items():
        rows = [(line, what, [proof for proof in outcomes if line in proof.ids]) for line, what in lines.items()]
        parts.append(f"## {title}\n\n| id | what holds | tests | result |\n| --- | --- | --- | --- |")
        parts += [f"| {line} | {what} | {_links(proofs)} | {_result(proofs, outcomes)} |" for line, what, proofs in rows]
        parts.append("")
    parts.append("## Incidents elsewhere\n\nWhat happened to others, each held off here by a test of its name.\n")
    parts.append("| what happened | tests | result |\n| --- | --- | --- |")
    for incident in bar.incidents:
        proofs = [proof for proof in outcomes if any(map(proof.is_called, incident.tests))]
        result = _result(proofs, outcomes) if proofs or not incident.awaits else f"awaits {incident.awaits}"
        parts.append(f"| {incident.what} | {_links(proofs)} | {result} |")
    return "\n".join(parts) + "\n"


def _links(proofs: Sequence[Proof]) -> str:
    return "<br>".join(f"[{proof.test}](../{proof.path})" for proof in sorted(proofs))


def _result(proofs: Sequence[Proof], outcomes: dict[Proof, str]) -> str:
    if not proofs:
        return NO_TEST
    return "failed" if any(outcomes[proof] == "failed" for proof in proofs) else "passed"


def main(arguments: Sequence[str]) -> int:
    """`list` prints what to give pytest; the path of its report writes the document, and fails where a test did."""
    bar = Bar.read()
    if arguments == ["list"]:
        print(*(f"{proof.path}::{proof.test}" for proof in bar.proofs()), sep="\n")
        return 0
    went = results(Path(arguments[0]))
    outcomes = {proof: went.get(proof, "failed") for proof in bar.proofs()}
    DOCUMENT.write_text(document(bar, outcomes))
    failed = [proof.test for proof, outcome in outcomes.items() if outcome == "failed"]
    print(*(f"failed: {test}" for test in failed), f"Wrote {DOCUMENT.relative_to(ROOT)}: {len(outcomes)} tests.", sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
