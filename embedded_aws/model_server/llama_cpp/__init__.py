"""The HTTP contract of AWS's llama.cpp image: llama-server behind nginx."""
