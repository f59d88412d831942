"""TGI 1.1: its types and events, the model behind the endpoint, and TGI's own routes."""
