import json
import resource
from contextlib import chdir
from pathlib import Path

import pytest
from passlib.hash import bcrypt

from application.keys.prepare_signing_key import PrepareSigningKey
from entrypoints.cli.run import run
from entrypoints.settings import Settings
from tests.examples import PASSWORD, SECRET
from tests.foreign_hashes import KNOWN, TOO_DEAR
from tests.ranges import lines_of
from tests.shell import Shell

SQLITE = {"PORTUNUS_ENV": "development", "PORTUNUS_DATABASE_URL": "sqlite:///portunus.db", "PORTUNUS_SECRET_KEY": SECRET}
DEAD = {**SQLITE, "PORTUNUS_DATABASE_URL": "postgresql://postgres:hunter2@127.0.0.1:1/nowhere"}
PRODUCTION = {
    "PORTUNUS_DATABASE_URL": "sqlite:///portunus.db",
    "PORTUNUS_SECRET_KEY": SECRET,
    "PORTUNUS_ISSUER": "https://id.example.com",
}
LEAKED = "leaked once from elsewhere"
CREATE = ("users", "create", "johndoe", "--email", "johndoe@example.com")


@pytest.fixture
def migrated(shell: Shell) -> Shell:
    assert shell("migrate", **SQLITE).returncode == 0
    return shell


def test_the_version_is_that_of_the_project(shell: Shell) -> None:
    assert shell.alone("--version").stdout.startswith("portunus 0.")


@pytest.mark.parametrize(
    "words", [["--nonsense"], ["nonsense"], ["serve", "--prot", "1"], ["serve", "--port", "x"], ["users", "create"]]
)
def test_what_is_typed_wrongly_is_one_line_and_exit_2(shell: Shell, words: list[str]) -> None:
    done = shell(*words, **SQLITE)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("portunus: ")


@pytest.mark.parametrize("words", [["--help"], ["serve", "--help"], ["migrate", "--help"], ["users", "create", "--help"]])
def test_help_teaches(shell: Shell, words: list[str]) -> None:
    done = shell(*words)

    assert done.returncode == 0
    assert "Usage: portunus" in done.stdout


def test_a_user_is_created_with_a_password_from_standard_input_once(migrated: Shell) -> None:
    created = migrated.alone(*CREATE, typed=f"{PASSWORD}\n", **SQLITE)

    assert created.returncode == 0, created.stderr
    assert created.stdout.startswith("Created johndoe (")
    assert "already registered" in migrated.refused(*CREATE, typed=f"{PASSWORD}\n", **SQLITE)


def test_a_user_is_brought_with_a_hash_from_the_tutorials_store(migrated: Shell) -> None:
    known = bcrypt.using(rounds=4).hash("short")

    by_option = migrated(*CREATE, "--password-hash", known, **SQLITE)
    by_input = migrated("users", "create", "jane", "--email", "j@example.com", "--password-hash", "-", typed=known, **SQLITE)

    assert (by_option.returncode, by_input.returncode) == (0, 0), by_option.stderr + by_input.stderr


@pytest.mark.parametrize("name", ["django pbkdf2-sha256", "phpass", "scrypt"])
def test_pw09_a_user_is_brought_with_a_hash_of_another_form(migrated: Shell, name: str) -> None:
    assert migrated(*CREATE, "--password-hash", KNOWN[name], **SQLITE).returncode == 0


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (CREATE, "short\n", "at least 15 characters"),
        (CREATE, "", "at least 15 characters"),
        ((*CREATE, "--password-hash", "$1$abc"), "", "It takes argon2 ($argon2id$, $argon2i$, $argon2d$), bcrypt"),
        ((*CREATE, "--password-hash", TOO_DEAR["sha256-crypt"]), "", "one that takes too much time or memory"),
        (CREATE, "passwordpassword", "common password"),
        (("users", "create", "no name", "--email", "a@example.com"), PASSWORD, "ASCII letters"),
        (("users", "create", "admin", "--email", "a@example.com"), PASSWORD, "reserved"),
        (("users", "create", "johndoe", "--email", "nonsense"), PASSWORD, "name@example.com"),
        (("users", "disable", "nobody"), "", "No user has this name"),
        (("users", "show", "nobody"), "", "No user has this name"),
    ],
)
def test_a_refusal_is_one_line(migrated: Shell, words: tuple[str, ...], typed: str, said: str) -> None:
    assert said in migrated.refused(*words, typed=typed, **SQLITE)


@pytest.mark.parametrize(
    ("typed", "more", "code"),
    [
        (PASSWORD, (), None),
        (LEAKED, (), "password_breached"),
        ("kqzjwv", (), "password_too_short"),
        ("johndoe johndoe johndoe", ("--username", "johndoe"), "password_personal"),
        ("sailor1sailor1sailor1", ("--email", "sailor1@example.com"), "password_personal"),
        ("kqzjwvxp" * 33, (), "password_too_long"),
    ],
)
@pytest.mark.parametrize("option", [(), ("--stdin",)])
def test_a_password_is_judged_as_at_a_sign_up(
    shell: Shell, tmp_path: Path, typed: str, more: tuple[str, ...], code: str | None, option: tuple[str, ...]
) -> None:
    file = tmp_path / "breached.txt"
    file.write_text("\n".join(lines_of([LEAKED, "something else"])))
    settings = {**SQLITE, "PORTUNUS_BREACHED_PASSWORDS_FILE": str(file)}

    said = shell("passwords", "check", *more, *option, "--json", typed=f"{typed}\n", **settings)
    in_words = shell("passwords", "check", *more, *option, typed=f"{typed}\n", **settings)

    answer = json.loads(said.stdout)
    assert (said.returncode, in_words.returncode) == ((1, 1) if code else (0, 0)), said.stderr
    assert (answer["taken"], answer["code"]) == (code is None, code)
    assert in_words.stdout == f"{answer['detail']}\n"
    assert typed not in said.stdout + said.stderr + in_words.stderr


def test_where_nothing_knows_of_leaks_a_judged_password_is_told_so(shell: Shell) -> None:
    done = shell("passwords", "check", "--json", typed=PASSWORD, **SQLITE)

    assert (done.returncode, json.loads(done.stdout)["breach"]) == (0, "not asked")


def test_a_password_is_no_word_of_the_command(shell: Shell) -> None:
    assert "unexpected extra argument" in shell("passwords", "check", PASSWORD, **SQLITE).stderr


def test_a_user_is_unlocked(migrated: Shell) -> None:
    migrated(*CREATE, typed=PASSWORD, **SQLITE)

    assert "Unlocked johndoe" in migrated("users", "unlock", "johndoe", **SQLITE).stdout
    assert "No user has this name" in migrated.refused("users", "unlock", "nobody", **SQLITE)


def test_a_user_is_disabled_and_enabled(migrated: Shell) -> None:
    migrated(*CREATE, typed=PASSWORD, **SQLITE)

    assert "Disabled johndoe" in migrated("users", "disable", "JohnDoe", **SQLITE).stdout
    assert "Enabled johndoe" in migrated("users", "enable", "johndoe", **SQLITE).stdout


def test_users_are_shown_and_listed_and_their_hashes_are_not(migrated: Shell) -> None:
    migrated(*CREATE, typed=PASSWORD, **SQLITE)
    migrated("users", "create", "Jane", "--email", "jane@example.com", typed=PASSWORD, **SQLITE)

    shown = migrated("users", "show", "JOHNDOE", "--json", **SQLITE).stdout
    first = migrated("users", "list", "--limit", "1", "--json", **SQLITE).stdout
    after = json.loads(first)["next"]
    second = migrated("users", "list", "--after", after, **SQLITE)

    assert json.loads(first) == {"users": [json.loads(shown)], "next": json.loads(shown)["id"]}
    assert json.loads(shown)["username"] == "johndoe"
    assert second.stdout.startswith("Jane  ")
    assert len(second.stdout.splitlines()) == 1
    assert second.stderr == ""
    assert "argon2" not in shown + first + second.stdout


@pytest.mark.parametrize("words", [("migrate",), CREATE, ("users", "disable", "johndoe")])
def test_a_dead_database_is_one_line_without_its_password(shell: Shell, words: tuple[str, ...]) -> None:
    line = shell.refused(*words, typed=PASSWORD, **DEAD)

    assert "Storage cannot be reached" in line
    assert "hunter2" not in line


def test_the_doctor_finds_each_thing_that_is_missing_or_misspelt_and_exits_1(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"PORTUNUS_SECRET_KEY={SECRET}\nPORTUNUS_PORTS=1\n")
    (tmp_path / ".env").chmod(0o644)

    done = shell("doctor", "--json", PORTUNUS_DATABASE_URL=DEAD["PORTUNUS_DATABASE_URL"])
    found = {finding["says"]: (finding["severity"], finding["check"]) for finding in json.loads(done.stdout)["findings"]}

    assert done.returncode == 1
    assert not json.loads(done.stdout)["ok"]
    assert sorted((*what, says.split()[0]) for says, what in found.items() if what[0] != "ok") == [
        ("missing", "database", "It"),
        ("unsafe", "files", ".env"),
        ("unsafe", "settings", "Set"),
        ("warning", "settings", "PORTUNUS_PORTS"),
    ]
    assert SECRET not in done.stdout + done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_the_doctor_makes_nothing_and_is_content_when_all_is_well(shell: Shell, tmp_path: Path) -> None:
    before = shell("doctor", **PRODUCTION)
    assert before.returncode == 1
    assert "Run: portunus migrate" in before.stdout
    assert list(tmp_path.iterdir()) == []

    shell("migrate", **PRODUCTION)
    after = shell("doctor", **PRODUCTION)
    assert (tmp_path / "portunus.db").stat().st_mode & 0o777 == 0o600

    assert after.returncode == 0, after.stdout
    assert {line.split()[0] for line in after.stdout.splitlines()} == {"ok"}


def test_config_says_what_holds_and_where_it_comes_from_without_a_secret(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORTUNUS_PORT=8001\nPORTUNUS_DOCS=false\n")

    done = shell("config", "--json", PORTUNUS_DOCS="true", **DEAD)
    printed = json.loads(done.stdout)

    assert printed["PORTUNUS_PORT"] == {"value": "8001", "source": ".env"}
    assert printed["PORTUNUS_DOCS"] == {"value": "true", "source": "environment"}
    assert printed["PORTUNUS_HOST"] == {"value": "127.0.0.1", "source": "default"}
    assert printed["PORTUNUS_ISSUER"] == {"value": "http://127.0.0.1:8001", "source": "development mode"}
    assert printed["PORTUNUS_AUDIENCE"] == {"value": "http://127.0.0.1:8001", "source": "PORTUNUS_ISSUER"}
    assert SECRET not in done.stdout
    assert "hunter2" not in done.stdout


def test_the_shell_completes_commands(shell: Shell) -> None:
    asked = {"_PORTUNUS_COMPLETE": "complete_bash", "COMP_WORDS": "portunus users d", "COMP_CWORD": "2"}

    assert shell.alone(**asked).stdout.split() == ["disable"]


def test_a_database_that_was_not_migrated_says_what_to_run(shell: Shell) -> None:
    assert "Run: portunus migrate" in shell.refused(*CREATE, typed=PASSWORD, **SQLITE)


def test_migrating_says_what_it_did_and_quietly_nothing_when_there_is_nothing(shell: Shell) -> None:
    first, second, quiet = shell("migrate", **SQLITE), shell("migrate", **SQLITE), shell("migrate", "--quiet", **SQLITE)

    assert "from nothing to" in first.stdout
    assert "nothing to do" in second.stdout
    assert quiet.stdout == ""


def test_ks01_production_says_all_that_it_lacks(shell: Shell) -> None:
    done = shell("serve")

    assert done.returncode == 1
    assert [line.split()[2] for line in done.stderr.splitlines()] == [
        "PORTUNUS_SECRET_KEY.",
        "PORTUNUS_DATABASE_URL,",
        "PORTUNUS_ISSUER",
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"PORTUNUS_SECRET_KEY": "your-secret-key"}, "secrets.token_hex(32)"),
        ({"PORTUNUS_SECRET_KEY": f"{SECRET},{SECRET}"}, "key id"),
        ({"PORTUNUS_SECRET_KEY": "", "PORTUNUS_SECRET_KEY_FILE": "absent"}, "absent, cannot be read"),
        ({"PORTUNUS_SECRET_KEY_FILE": "absent"}, "not both"),
        ({"PORTUNUS_DATABASE_URL": "mysql://root:hunter2@db/x"}, "postgresql://"),
        ({"PORTUNUS_DATABASE_URL": "postgresql://db/x?nonsense=1"}, "a parameter other than host"),
        ({"PORTUNUS_PASSWORD_MIN_LENGTH": "7"}, "PORTUNUS_PASSWORD_MIN_LENGTH"),
        ({"PORTUNUS_CORS_ORIGINS": "*"}, "PORTUNUS_CORS_ORIGINS"),
        ({"PORTUNUS_PORT": "x"}, "PORTUNUS_PORT"),
        ({"PORTUNUS_THROTTLE": "off"}, "unset it"),
        ({"PORTUNUS_LIMIT_LOG_IN": "unlimited"}, "10/1h/address"),
        ({"PORTUNUS_TRUSTED_PROXIES": "0.0.0.0/1,128.0.0.0/1"}, "name the proxies' own networks"),
        ({"PORTUNUS_CORS_ORIGINS": "null"}, "PORTUNUS_CORS_ORIGINS"),
        ({"PORTUNUS_ARGON2_MEMORY": "8192"}, "OWASP's floor"),
        ({"PORTUNUS_ISSUER": "http://id.example.com"}, "https://"),
        ({"PORTUNUS_DATABASE_URL": "memory://"}, "development only"),
        ({"PORTUNUS_DATABASE_URL": "postgresql://portunus:changeme@127.0.0.1:1/x"}, "give the role another"),
        ({"PORTUNUS_BREACHED_PASSWORDS_URL": "http://ranges.example.com/range/"}, "Use https://"),
        ({"PORTUNUS_BREACHED_PASSWORDS_FILE": "absent"}, "PORTUNUS_BREACHED_PASSWORDS_FILE cannot be used"),
        ({"PORTUNUS_ENV": "development", "PORTUNUS_HOST": "0.0.0.0"}, "set PORTUNUS_ENV=production"),  # noqa: S104 - refused
        ({"PORTUNUS_ENV": "staging"}, "PORTUNUS_ENV"),
    ],
)
def test_ks01_what_is_unsafe_does_not_start_and_the_doctor_says_the_same(
    shell: Shell, changed: dict[str, str], said: str
) -> None:
    line = shell.refused("serve", **{**PRODUCTION, **changed})
    doctor = shell("doctor", "--json", **{**PRODUCTION, **changed})

    unsafe = [one["says"] for one in json.loads(doctor.stdout)["findings"] if one["severity"] == "unsafe"]
    assert said in line
    assert doctor.returncode == 1
    assert line.removeprefix("portunus: ") in unsafe
    for value in changed.values():
        assert len(value) < 12 or value not in line + doctor.stdout


def test_ks01_what_is_unsafe_is_told_within_three_seconds(shell: Shell) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    done = shell.alone("serve", **{**PRODUCTION, "PORTUNUS_SECRET_KEY": "your-secret-key"})

    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3  # of a processor: the machine may be shared


def test_several_workers_are_refused_on_memory(shell: Shell) -> None:
    environment = {**SQLITE, "PORTUNUS_DATABASE_URL": "memory://"}

    assert "one process" in shell.refused("serve", "--workers", "2", **environment)


def test_the_signing_keys_of_another_secret_are_one_line(migrated: Shell, tmp_path: Path) -> None:
    other = {**SQLITE, "PORTUNUS_SECRET_KEY": SECRET[::-1]}
    with chdir(tmp_path):
        settings = Settings.model_validate({name.removeprefix("PORTUNUS_").lower(): value for name, value in SQLITE.items()})
        run(settings.with_defaults(), lambda use: use[PrepareSigningKey]())

    assert "do not open under this PORTUNUS_SECRET_KEY" in migrated.refused("serve", **other)


def test_ks02_development_makes_its_secret_says_so_and_keeps_it_from_others(shell: Shell, tmp_path: Path) -> None:
    done = shell("migrate", PORTUNUS_ENV="development")

    secret = tmp_path / "var" / "secret"
    assert "Made the secret" in done.stdout
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.read_text().strip() not in done.stdout + done.stderr


def test_a_lost_secret_beside_its_database_is_one_clear_line(shell: Shell, tmp_path: Path) -> None:
    shell("migrate", PORTUNUS_ENV="development")
    (tmp_path / "var" / "secret").unlink()

    for command in ("migrate", "serve"):
        line = shell.refused(command, PORTUNUS_ENV="development")
        assert "var/secret is missing, but var/portunus.db was made with it" in line
    assert not (tmp_path / "var" / "secret").exists()


def test_users_are_not_created_in_a_memory_that_ends_with_the_command(shell: Shell) -> None:
    environment = {**SQLITE, "PORTUNUS_DATABASE_URL": "memory://"}

    assert "memory://" in shell.refused(*CREATE, typed=PASSWORD, **environment)


def test_the_description_of_the_api_is_json(shell: Shell, tmp_path: Path) -> None:
    printed = shell("openapi").stdout
    shell("openapi", "--output", "api.json")

    assert json.loads(printed)["info"]["title"] == "Portunus"
    assert (tmp_path / "api.json").read_text() == printed
    assert "absent/api.json" in shell.refused("openapi", "--output", "absent/api.json")


def test_oa08_a_client_is_added_listed_and_removed_and_its_secret_shown_once_and_not_stored(
    migrated: Shell, tmp_path: Path
) -> None:
    added = json.loads(migrated("clients", "add", "billing", "--json", **SQLITE).stdout)
    listed = migrated("clients", "list", "--json", **SQLITE)
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("portunus.db*"))

    assert added["client_id"] == "billing"
    assert len(added["client_secret"]) == 47
    assert [client["client_id"] for client in json.loads(listed.stdout)["clients"]] == ["billing"]
    assert added["client_secret"] not in listed.stdout
    assert b"billing" in stored
    assert added["client_secret"].encode() not in stored
    assert "Remove it first" in migrated.refused("clients", "add", "billing", **SQLITE)
    assert "Removed billing" in migrated("clients", "remove", "billing", **SQLITE).stdout
    assert "no client of this name" in migrated.refused("clients", "remove", "billing", **SQLITE)
