"""The rehearsal of scaling: a deployed plan under a ramp of load, in accelerated time."""
