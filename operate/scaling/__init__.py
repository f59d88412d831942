"""The rehearsal of scaling: a deployed plan under a ramp through the real API, as time flies."""
