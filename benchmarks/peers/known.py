"""Every peer that the benchmark runs, in the order of the table."""

from benchmarks.peers import Peer

PEERS: tuple[Peer, ...] = ()
