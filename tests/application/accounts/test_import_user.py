import pytest

from application.ports.passwords import UnknownHashFormat
from domain.email import EmailAddress
from domain.password import PasswordHash
from domain.user import User, UsernameTaken
from domain.username import Username, UsernameReserved
from tests.application.conftest import InMemory
from tests.examples import PASSWORD


async def _bring(portunus: InMemory, name: str, password_hash: str) -> User:
    return await portunus.import_user(
        username=Username(name), email=EmailAddress("x@example.com"), password_hash=PasswordHash(password_hash)
    )


async def test_who_was_imported_logs_in_with_the_old_password_and_gets_a_new_hash(portunus: InMemory) -> None:
    await _bring(portunus, "johndoe", f"old:{PASSWORD}")

    await portunus.log_in()

    stored = await portunus.store.live.find_by_username(Username("johndoe"))
    assert stored is not None
    assert stored.password_hash == PasswordHash(f"new:{PASSWORD}")
    assert stored.generation == 0


async def test_a_short_password_from_elsewhere_is_no_reason_to_refuse(portunus: InMemory) -> None:
    await _bring(portunus, "johndoe", "old:short")

    await portunus.log_in(password="short")


async def test_a_hash_of_no_known_form_is_refused(portunus: InMemory) -> None:
    with pytest.raises(UnknownHashFormat):
        await _bring(portunus, "johndoe", "md5:abc")


async def test_a_taken_name_is_refused(portunus: InMemory) -> None:
    await portunus.sign_up("johndoe")

    with pytest.raises(UsernameTaken):
        await _bring(portunus, "JohnDoe", "old:x")


async def test_a_reserved_name_is_refused(portunus: InMemory) -> None:
    with pytest.raises(UsernameReserved):
        await _bring(portunus, "admin", "old:x")
