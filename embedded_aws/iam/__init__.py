"""Who may do what: signatures, policies, and the rights of services."""
