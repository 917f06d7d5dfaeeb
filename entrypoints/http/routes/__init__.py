"""Routes: parse, call, present."""
