import json

import pytest

from tests.shell import Shell


@pytest.mark.parametrize("words", [["--target", "5"], ["--target", "a while"], ["--free", "100"], ["--free", "-1"], ["now"]])
def test_what_is_no_aim_is_refused_before_anything_is_measured(shell: Shell, words: list[str]) -> None:
    done = shell("hash", "calibrate", *words)

    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("portunus: ")
    assert words[0] in line


def test_pw08_settings_are_proposed_without_secret_or_database_and_none_is_below_the_floor(shell: Shell) -> None:
    done = shell("hash", "calibrate", "--target", "10", "--free", "0", "--json")

    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["settings"]["PORTUNUS_ARGON2_MEMORY"] >= 19456
    assert told["settings"]["PORTUNUS_ARGON2_TIME"] >= 2
    assert told["settings"]["PORTUNUS_ARGON2_PARALLELISM"] == 1
    assert (told["tried"][0]["memory"], told["tried"][0]["time"]) == (19456, 2)
    assert told["took_ms"] > 1
    assert 0 < told["free"] <= 1


def test_what_is_printed_can_be_pasted_into_env_as_it_stands(shell: Shell) -> None:
    done = shell("hash", "calibrate", "--target", "10", "--free", "0")

    settings = dict(line.split("=") for line in done.stdout.split("\n\n")[0].splitlines())
    assert shell("config", **settings).returncode == 0
    assert list(settings) == ["PORTUNUS_ARGON2_MEMORY", "PORTUNUS_ARGON2_TIME", "PORTUNUS_ARGON2_PARALLELISM"]


def test_its_help_says_what_is_measured_and_what_it_means(shell: Shell) -> None:
    told = " ".join(shell("hash", "calibrate", "--help").stdout.split())

    assert "Every core hashes at once" in told
    assert "dearer is each guess" in told
    assert "OWASP's floor" in told
