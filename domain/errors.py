"""What Portunus refuses, as opposed to what is broken."""

from typing import ClassVar


class Refusal(ValueError):
    """An expected "no". The root of all refusals; each lives beside the rule that it enforces.

    `code` is for machines and permanent. `detail` is for the person who reads it, and says what to do where something can
    be done; it never repeats what was sent. A subclass with typed fields may make `detail` a property of them.
    """

    code: ClassVar[str]
    detail: str

    def __str__(self) -> str:
        return self.detail


class Unavailable(Refusal):
    """Nothing is wrong with the request: what is needed to answer it is away or overloaded. Worth another try.

    `retry_after` is in seconds.
    """

    retry_after: ClassVar[int] = 1
