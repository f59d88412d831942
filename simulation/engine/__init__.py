"""What numba compiles: the day event by event, and that of a large fleet as one instance's."""
