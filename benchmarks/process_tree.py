"""What a process and all that it started have used, from /proc."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ESTABLISHED = "01"
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def cpu_seconds(root: int) -> float:
    """User and system time of the tree, and of what has ended in it and was waited for; to the hundredth of a second."""
    return sum(sum(map(int, fields[11:15])) for fields in _tree(root).values()) * _TICK


def resident_bytes(root: int) -> int:
    """What each process of the tree holds in memory, pages that they share counted once for each."""
    return sum(int(fields[21]) for fields in _tree(root).values()) * _PAGE


def forget_peaks(root: int) -> None:
    """From now on, `peak_bytes` is of what comes (proc(5), clear_refs)."""
    for pid in _tree(root):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_bytes(root: int) -> int:
    """The most that each process of the tree has held, added up."""
    return sum(int(_PEAK.findall(Path(f"/proc/{pid}/status").read_text())[0]) * 1024 for pid in _tree(root))


def connections(root: int, port: int) -> int:
    """How many the tree holds to a port, over IPv4."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    to_port = f":{port:04X}"
    there = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(to_port) and row[3] == _ESTABLISHED}
    return len(there & {link for pid in _tree(root) for link in _links(pid)})


def _links(pid: int) -> Iterator[str]:
    for held in Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield str(held.readlink())
        except OSError:  # closed meanwhile
            continue


def _tree(root: int) -> dict[int, list[str]]:
    """Each process with its fields, as of one look: some end while others are looked at."""
    seen = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            seen[int(folder.name)] = _fields(int(folder.name))
        except OSError:
            continue
    found = [root]
    for pid in found:
        found.extend(child for child, fields in seen.items() if int(fields[1]) == pid)
    return {pid: seen[pid] for pid in found}


def _fields(pid: int) -> list[str]:
    """From the third on: the second is a name that may hold spaces (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
