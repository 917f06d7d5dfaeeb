"""Clients that ask about tokens, and the operator who registers them."""
