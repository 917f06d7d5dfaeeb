"""The composition root: which adapter stands behind which port, and who gets it."""
