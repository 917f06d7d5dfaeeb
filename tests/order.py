"""Which of the workers of `make test` gets which file, and when."""

from typing import Any, final

from xdist.scheduler import LoadFileScheduling

_FAULTS = "tests/faults"
_LONGEST = (_FAULTS, "tests/properties", "tests/journeys")


@final
class LongestFirst(LoadFileScheduling):  # type: ignore[misc]  # it comes without types
    """What takes long begins first, so that no worker is left with it in the end.

    The faults are one worker's: they share servers, and two at a time would slow each other down beyond their bounds.
    """

    def _split_scope(self, nodeid: str) -> str:
        scope: str = super()._split_scope(nodeid)
        return _FAULTS if scope.startswith(_FAULTS) else scope

    def _assign_work_unit(self, node: Any) -> None:
        self.workqueue.move_to_end(min(self.workqueue, key=_place), last=False)
        super()._assign_work_unit(node)


def _place(scope: str) -> int:
    return next((place for place, folder in enumerate(_LONGEST) if scope.startswith(folder)), len(_LONGEST))
