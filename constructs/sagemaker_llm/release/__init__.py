"""Where tuned models are kept and registered, and how one reaches the endpoint."""
