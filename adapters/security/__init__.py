"""Hashing, signing and sealing."""
