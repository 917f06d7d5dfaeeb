"""docs/security-bar.md, held to the tests that exist. Whether they pass is seen where they run."""

import re

from tests.security_bar import DOCUMENT, NO_TEST, Bar, all_tests

BAR = Bar.read()


def test_a_test_names_only_lines_that_there_are() -> None:
    unknown = {(proof.test, line) for proof in all_tests() for line in proof.ids if line not in BAR.ids}

    assert unknown == set(), "add the line to tests/security_bar.toml, or name another"


def test_every_line_has_a_test_unless_it_says_that_it_waits() -> None:
    proved = {line for proof in all_tests() for line in proof.ids}

    assert [line for line in BAR.ids if line not in proved and line not in BAR.pending] == []


def test_an_id_stands_once() -> None:
    assert len(set(BAR.ids)) == len(BAR.ids)


def test_the_document_tells_of_no_failure_and_of_each_line_that_waits() -> None:
    rows = re.findall(r"^\| ([A-Z]+-\d+) \|.*\| ([a-z ]+) \|$", DOCUMENT.read_text(), flags=re.MULTILINE)

    assert {line for line, _ in rows} <= set(BAR.ids)
    assert {result for _, result in rows} <= {"passed", NO_TEST}
    assert {line for line, result in rows if result == NO_TEST} <= set(BAR.pending), "run: make bar"
