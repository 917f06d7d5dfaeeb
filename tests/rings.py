"""Rings of signing keys that have been there for some time."""

from datetime import timedelta

from pydantic import SecretStr

from entrypoints.container.root import build, store_of
from entrypoints.settings import Settings
from tests.examples import SECRET


async def put_an_old_ring(url: str, *, age: timedelta) -> None:
    """What a server would have made on its first start, so long ago: one key that has signed since, and one announced."""
    container = build(Settings(env="development", database_url=SecretStr(url), secret_key=SecretStr(SECRET)).with_defaults())
    signing_keys, store = container.adapters.signing_keys(), store_of(container)
    try:
        async with store.begin() as work:
            ring = await work.signing_keys.lock()
            then = ring.seen(ring.as_of - age)
            await work.signing_keys.save(
                then.begin(await signing_keys.make(at=then.as_of), await signing_keys.make(at=then.as_of))
            )
            await work.commit()
    finally:
        await store.close()
