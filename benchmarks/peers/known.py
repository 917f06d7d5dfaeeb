"""Every peer that the benchmark runs, in the order of the table."""

from benchmarks.peers import Peer
from benchmarks.peers.better_auth_on_postgresql import BetterAuth
from benchmarks.peers.fastapi_users_on_postgresql import FastApiUsers
from benchmarks.peers.tutorial_in_memory import Tutorial

PEERS: tuple[Peer, ...] = (FastApiUsers(), Tutorial(), BetterAuth())
