"""The packages of the registry, and what one must be before it is served."""
