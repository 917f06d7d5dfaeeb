"""A store in dictionaries: for tests, and for trying Portunus out. One process; nothing survives it."""
