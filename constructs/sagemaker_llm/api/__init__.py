"""The REST API in front of an endpoint: routes, clients, proxy, authorizer and firewall."""
