"""Which model an environment serves: rollback, drift, and the origin of a package."""
