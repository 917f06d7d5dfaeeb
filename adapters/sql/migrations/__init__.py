"""The history of the schema, run from code by adapters/sql/migrate.py."""
