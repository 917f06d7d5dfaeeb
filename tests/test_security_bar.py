"""docs/security-bar.md, held to the tests that exist. Whether they pass is seen where they run."""

from tests.security_bar import DOCUMENT, Bar, all_tests, document

BAR = Bar.read()


def test_a_test_names_only_lines_that_there_are() -> None:
    unknown = {(proof.test, line) for proof in all_tests() for line in proof.ids if line not in BAR.ids}

    assert unknown == set(), "add the line to tests/security_bar.toml, or name another"


def test_every_line_has_a_test_unless_it_says_that_it_waits() -> None:
    proved = {line for proof in all_tests() for line in proof.ids}

    assert [line for line in BAR.ids if line not in proved and line not in BAR.pending] == []


def test_an_id_stands_once() -> None:
    assert len(set(BAR.ids)) == len(BAR.ids)


def test_a_line_that_waits_has_no_test() -> None:
    proved = {line for proof in all_tests() for line in proof.ids}

    assert set(BAR.pending) & proved == set()


def test_the_document_tells_of_the_tests_that_there_are_and_that_all_of_them_passed() -> None:
    expected = document(BAR, dict.fromkeys(BAR.proofs(), "passed"))

    assert DOCUMENT.read_text() == expected, "run: make bar"
