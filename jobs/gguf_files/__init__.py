"""Models as GGUF files, which llama.cpp serves: read and written without the package gguf.

The training image has no such package, and its jobs no network.
"""
