"""Where it is asked whether a password has leaked."""

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.breach_file import BreachFile, UnusableBreachFile
from adapters.security.breach_service import BreachService
from adapters.security.breaches import BreachSource, NoAnswer, NoBreaches, PatientBreaches
from application.ports.breaches import Breach
from domain.events import BreachesAway
from domain.password import PlainPassword
from tests.examples import PASSWORD
from tests.fakes import RecordedEvents
from tests.ranges import digest_of, lines_of, serving_ranges

LEAKED = "leaked once from elsewhere"
OTHERS = [f"password number {number}" for number in range(500)]

Write = Callable[[str], Path]


@pytest.fixture
def events() -> RecordedEvents:
    return RecordedEvents()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        path = tmp_path / "breached.txt"
        path.write_text(text, newline="")
        return path

    return written


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last_ends", [True, False])
@pytest.mark.parametrize(("digits", "counts"), [(40, True), (40, False), (16, False), (20, True)])
async def test_pw07_a_file_tells_what_is_in_it_from_what_is_not(
    write: Write, end: str, last_ends: bool, digits: int, counts: bool
) -> None:
    lines = [line[:digits] + (line[40:] if counts else "") for line in lines_of([LEAKED, *OTHERS])]
    source = BreachFile(write(end.join(lines) + end * last_ends))

    assert await source.holds(digest_of(LEAKED))
    assert [await source.holds(digest_of(other)) for other in OTHERS] == [True] * 500
    assert [await source.holds(digest_of(f"{other}!")) for other in OTHERS] == [False] * 500


@given(held=st.sets(st.integers(0, 2**160 - 1), min_size=1, max_size=60), asked=st.integers(0, 2**160 - 1), small=st.booleans())
def test_a_file_of_any_digests_holds_those_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, held: set[int], asked: int, small: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_text("".join(f"{one:040{'x' if small else 'X'}}:3\n" for one in sorted(held)))
    source = BreachFile(path)

    answers = asyncio.run(_answers(source, [*sorted(held), asked]))

    assert answers == [True] * len(held) + [asked in held]


async def _answers(source: BreachSource, digests: list[int]) -> list[bool]:
    return [await source.holds(f"{one:040X}") for one in digests]


async def test_a_file_of_any_size_is_read_at_a_few_places(write: Write) -> None:
    path = write("".join(f"{'%040X' % (number << 140)}:1\n" for number in range(20_000)))
    before = _read_so_far()
    found = await BreachFile(path).holds("%040X" % (12_345 << 140))

    assert found
    assert _read_so_far() - before < 20_000  # of 860 000


def _read_so_far() -> int:
    [line] = [line for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("rchar")]
    return int(line.split()[1])


async def test_a_newer_file_that_is_moved_into_its_place_is_asked_at_once(write: Write, tmp_path: Path) -> None:
    source = BreachFile(write("\n".join(lines_of(OTHERS))))
    (tmp_path / "newer.txt").write_text("\n".join(lines_of([LEAKED, *OTHERS])))
    assert not await source.holds(digest_of(LEAKED))

    (tmp_path / "newer.txt").replace(tmp_path / "breached.txt")

    assert await source.holds(digest_of(LEAKED))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "password\n" * 100,
        "\n".join(reversed(lines_of(OTHERS))),
        "\n".join(line[:12] for line in lines_of(OTHERS)),
        "\n".join(line[: 16 + len(line) % 20 + int(line[0], 16)] for line in lines_of(OTHERS)),
        "A" * 1000,
        "\n".join(f"{line} " for line in lines_of(OTHERS)),
    ],
)
def test_a_file_of_another_form_is_refused_at_once(write: Write, text: str) -> None:
    with pytest.raises(UnusableBreachFile):
        BreachFile(write(text))


def test_a_file_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnusableBreachFile):
        BreachFile(tmp_path / "nowhere")


async def test_pw07_a_service_is_told_five_digits_and_asked_for_padding() -> None:
    async with serving_ranges(LEAKED, *OTHERS) as ranges:
        source = BreachService(ranges.url)

        assert await source.holds(digest_of(LEAKED))
        assert not await source.holds(digest_of(PASSWORD))

    [first, second] = ranges.asked
    assert first.startswith(f"GET /range/{digest_of(LEAKED)[:5]} HTTP/1.1\r\n")
    assert "\r\nAdd-Padding: true\r\n" in first
    for password, head in ((LEAKED, first), (PASSWORD, second)):
        assert password not in head
        assert digest_of(password)[:6] not in head.upper()


async def test_padding_is_no_leaked_password() -> None:
    padded = f"{digest_of(LEAKED)[5:]}:0".encode()
    async with serving_ranges(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 37\r\n\r\n" + padded) as ranges:
        assert not await BreachService(ranges.url).holds(digest_of(LEAKED))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut",
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"0" * 2_000_000,
    ],
    ids=["away", "elsewhere", "cut", "other", "endless"],
)
async def test_an_answer_that_is_none_is_not_taken_for_one(answer: bytes) -> None:
    async with serving_ranges(answer=answer) as ranges:
        with pytest.raises(NoAnswer):
            await BreachService(ranges.url).holds(digest_of(LEAKED))


async def test_a_password_is_looked_up_as_it_is_normalised(events: RecordedEvents, write: Write) -> None:
    breaches = PatientBreaches(BreachFile(write("\n".join(lines_of(["crème brûlée à volonté", *OTHERS])))), events)

    assert await breaches.look_up(PlainPassword.parse("cre\u0300me bru\u0302le\u0301e a\u0300 volonte\u0301")) is Breach.FOUND
    assert await breaches.look_up(PlainPassword.parse(PASSWORD)) is Breach.NOT_FOUND
    assert events.all == []


async def test_where_nothing_is_set_nothing_is_asked() -> None:
    assert await NoBreaches().look_up(PlainPassword.parse(PASSWORD)) is Breach.NOT_ASKED


async def test_pw07_a_file_that_went_away_lets_passwords_pass_and_is_told_of_once(events: RecordedEvents, write: Write) -> None:
    path = write("\n".join(lines_of([LEAKED, *OTHERS])))
    breaches = PatientBreaches(BreachFile(path), events)
    path.unlink()

    answers = [await breaches.look_up(PlainPassword.parse(LEAKED)) for _ in range(3)]

    assert answers == [Breach.NOT_ASKED] * 3
    assert events.all == [BreachesAway("FileNotFoundError", 0)]


async def test_pw07_a_source_that_hangs_is_waited_for_once(events: RecordedEvents) -> None:
    async with serving_ranges(stalls=True) as ranges:
        breaches = PatientBreaches(BreachService(ranges.url), events, patience=timedelta(seconds=0.1))

        answers = [await breaches.look_up(PlainPassword.parse(LEAKED)) for _ in range(3)]

    assert answers == [Breach.NOT_ASKED] * 3
    assert len(ranges.asked) == 1
    assert events.all == [BreachesAway("TimeoutError", 0)]


async def test_a_file_that_hangs_stalls_nothing_else(events: RecordedEvents, write: Write) -> None:
    path = write("\n".join(lines_of([LEAKED, *OTHERS])))
    breaches = PatientBreaches(BreachFile(path), events, patience=timedelta(seconds=0.1))
    path.unlink()
    os.mkfifo(path)  # opening it waits for a writer

    asked = asyncio.create_task(breaches.look_up(PlainPassword.parse(LEAKED)))
    turns = 0
    while not asked.done():
        await asyncio.sleep(0.005)
        turns += 1

    assert await asked is Breach.NOT_ASKED
    assert turns >= 3
    os.close(os.open(path, os.O_WRONLY))  # let it go
