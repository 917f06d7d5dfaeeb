"""Values and rules: the standard library only, no async, no I/O, no clock, no randomness."""
