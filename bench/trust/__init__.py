"""How far the benchmark's figures can be trusted: a server of known delays, and public tools."""
