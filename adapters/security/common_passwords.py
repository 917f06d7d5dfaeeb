"""The list of common passwords. Its file says where it is from, and its licence."""

from pathlib import Path

_FILE = Path(__file__).with_name("common_passwords.txt")


def read_common_passwords() -> frozenset[str]:
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
