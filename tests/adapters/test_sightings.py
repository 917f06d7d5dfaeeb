from adapters.ids import Uuid7Ids
from adapters.sightings import MOST, GatheredSightings


def test_a_session_is_noted_once_however_often_it_is_seen_and_taken_once() -> None:
    sightings, one, other = GatheredSightings(), Uuid7Ids().session(), Uuid7Ids().session()

    for each in (one, other, one, one):
        sightings.note(each)

    assert sorted(sightings.take()) == sorted([one, other])
    assert sightings.take() == []


def test_beyond_its_bound_nothing_is_noted_and_nothing_raised() -> None:
    sightings, ids = GatheredSightings(), Uuid7Ids()

    for _ in range(MOST + 10):
        sightings.note(ids.session())

    assert len(sightings.take()) == MOST
    sightings.note(ids.session())
    assert len(sightings.take()) == 1
