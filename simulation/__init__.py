"""A day of an endpoint, simulated: the service model under AWS's scaling, against an oracle."""
