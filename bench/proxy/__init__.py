"""What the proxy adds to a stream, beside LiteLLM."""
