import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cli.test_cli import SQLITE
from tests.server import serving
from tests.shell import Program, Shell

OLD = SQLITE["PORTUNUS_SECRET_KEY"]
NEW = "deadbeef00112233445566778899aabbccddeeff102938475665748392a1b0cf"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, program: Program) -> Path:
    """Where a server has been started once, so that there are keys."""
    made = tmp_path_factory.mktemp("keys")
    assert Shell(program, made)("migrate", **SQLITE).returncode == 0
    with serving(SQLITE["PORTUNUS_DATABASE_URL"], made, PORTUNUS_SECRET_KEY=OLD):
        pass
    return made


@pytest.fixture
def shell(folder: Path, program: Program, tmp_path: Path) -> Shell:
    for file in folder.glob("portunus.db*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return Shell(program, tmp_path)


def _listed(shell: Shell) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(shell("keys", "list", "--json", **SQLITE).stdout)["keys"]
    return found


def test_keys_are_listed_with_their_state_and_times_and_no_secret(shell: Shell) -> None:
    listed = _listed(shell)
    shown = shell("keys", "list", **SQLITE).stdout.splitlines()

    assert [key["state"] for key in listed] == ["active", "announced"]
    assert {*listed[0]} == {
        *("kid", "algorithm", "state", "created_at"),
        *("signs_from", "signs_until", "verifies_until", "disarmed_at", "compromised_at"),
    }
    assert [line.split()[:3] for line in shown] == [[key["kid"], "ES256", key["state"]] for key in listed]


def test_a_rotation_says_from_when_and_a_second_one_that_it_has_to_wait(shell: Shell) -> None:
    waiting = _listed(shell)[1]["kid"]

    done = shell("keys", "rotate", **SQLITE)

    assert done.returncode == 0
    assert done.stdout.startswith(f"{waiting} signs from 20")
    assert "has to be known everywhere first" in shell.refused("keys", "rotate", **SQLITE)
    assert [key["state"] for key in _listed(shell)] == ["active", "announced", "announced"]
    assert shell("keys", "retire", **SQLITE).stdout == "Deleted the private halves of 0 keys.\n"


def test_a_compromised_key_is_withdrawn_at_once(shell: Shell) -> None:
    first, second = (key["kid"] for key in _listed(shell))

    assert shell("keys", "compromise", first, **SQLITE).stdout == f"{first} is withdrawn. {second} signs.\n"

    assert [key["state"] for key in _listed(shell)] == ["compromised", "active", "announced"]
    assert "no signing key of that kid" in shell.refused("keys", "compromise", "nonsense", **SQLITE)


@pytest.mark.parametrize("kid", ["-iAdnsOtv_tdIcClqeeLd", "--AdnsOtv_tdIcClqeeLd", "-h", "-"])
def test_a_kid_that_begins_with_a_hyphen_is_no_option(shell: Shell, kid: str) -> None:
    assert "no signing key of that kid" in shell.refused("keys", "compromise", kid, **SQLITE)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_ks01_a_key_file_that_others_can_read_is_refused(shell: Shell, tmp_path: Path, mode: int) -> None:
    path = _pem(tmp_path, ec.SECP256R1())
    path.chmod(mode)

    assert f"chmod 600 {path.name}" in shell.refused("keys", "import", path.name, **SQLITE)
    assert len(_listed(shell)) == 2


def test_ks01_a_key_on_another_curve_or_no_key_is_refused_with_the_reason(shell: Shell, tmp_path: Path) -> None:
    path = _pem(tmp_path, ec.SECP384R1())

    assert "curve P-256" in shell.refused("keys", "import", path.name, **SQLITE)
    path.write_text("no key")
    assert "no private key in PEM" in shell.refused("keys", "import", path.name, **SQLITE)
    assert "No such file" in shell.refused("keys", "import", "nowhere.pem", **SQLITE)


def test_an_imported_key_is_announced(shell: Shell, tmp_path: Path) -> None:
    done = shell("keys", "import", _pem(tmp_path, ec.SECP256R1()).name, **SQLITE)

    assert done.returncode == 0
    assert [key["state"] for key in _listed(shell)] == ["active", "retired", "announced"]
    assert done.stdout.startswith(_listed(shell)[2]["kid"])


def test_resealing_tells_of_each_key_and_fails_where_one_does_not_open(shell: Shell) -> None:
    both = {**SQLITE, "PORTUNUS_SECRET_KEY": f"{NEW},{OLD}"}

    assert shell("keys", "reseal", **{**SQLITE, "PORTUNUS_SECRET_KEY": NEW}).returncode == 1
    first, second = shell("keys", "reseal", **both), shell("keys", "reseal", **both)

    assert [line.split(maxsplit=1)[1] for line in first.stdout.splitlines()[:-1]] == ["moved", "moved"]
    assert [line.split(maxsplit=1)[1] for line in second.stdout.splitlines()[:-1]] == ["is there already"] * 2
    assert shell("keys", "rotate", **{**SQLITE, "PORTUNUS_SECRET_KEY": NEW}).returncode == 0


def test_keys_in_memory_are_the_servers_own(shell: Shell) -> None:
    memory = {**SQLITE, "PORTUNUS_DATABASE_URL": "memory://"}

    for words in (["list"], ["rotate"], ["retire"], ["reseal"], ["compromise", "x"]):
        assert "memory://" in shell.refused("keys", *words, **memory)


def test_a_drill_is_refused_on_keys_in_memory_or_where_nobody_answers_and_rotates_nothing(shell: Shell) -> None:
    words = ("keys", "drill", "--url", "http://127.0.0.1:1", "--username", "drill")

    in_memory = shell.refused(*words, typed="a password\n", **{**SQLITE, "PORTUNUS_DATABASE_URL": "memory://"})
    nobody = shell.refused(*words, typed="a password\n", **SQLITE)

    assert "--watch" in in_memory
    assert "does not log drill in" in nobody
    assert [key["state"] for key in _listed(shell)] == ["active", "announced"]


def _pem(folder: Path, curve: ec.EllipticCurve) -> Path:
    path = folder / "key.pem"
    path.touch(0o600)
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        ec.generate_private_key(curve).private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    )
    return path


def test_the_doctor_says_what_still_rests_on_the_old_value_of_the_secret(shell: Shell) -> None:
    both = {**SQLITE, "PORTUNUS_SECRET_KEY": f"{NEW},{OLD}"}
    before = shell("doctor", **both).stdout

    assert shell("keys", "reseal", **both).returncode == 0

    after = shell("doctor", **both).stdout
    assert "2 signing keys are sealed under value 2 of PORTUNUS_SECRET_KEY. Run: portunus keys reseal" in before
    assert "Nothing rests on value 2 of PORTUNUS_SECRET_KEY. If it is the old one, remove it" in after
