"""The ports, made real. Adapters do not know each other."""
