"""Enter the failures that wait."""

from dataclasses import dataclass
from typing import final

from application.ports.unit_of_work import Store
from domain.audit_failures import gather

MOST_AT_ONCE = 5_000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GatherFailures:
    """Give failures their entries: the first of an account, address prefix and minute at once, the others when it is over.

    Raises `UnderWayElsewhere` while another process is at it.
    """

    store: Store

    async def __call__(self) -> None:
        async with self.store.begin() as work:
            await work.claim("audit_failures")
            waiting = await work.audit.take_failures(most=MOST_AT_ONCE)
            gathered = gather(waiting.failures, now=waiting.now)
            for act in gathered.acts:
                await work.audit.add(act)
            await work.audit.settle_failures(gathered)
            if gathered.acts or gathered.over:
                await work.commit()
