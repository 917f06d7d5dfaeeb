"""The audit trail: sealing it, proving it, reading it."""
