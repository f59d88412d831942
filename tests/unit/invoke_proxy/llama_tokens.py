"""A program: reads a JSON list of texts, writes llama.cpp's token ids of each in the local model.

In a process of its own, because llama.cpp's server listens on a socket and stays until the end.
"""

import json
import sys
import urllib.request

import xllamacpp

from smollm2_tokenizer import packaged_gguf


def main() -> None:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(packaged_gguf())
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    parameters.n_ctx, parameters.verbosity, parameters.ui = 64, 0, False
    parameters.cpuparams.n_threads = 1
    server = xllamacpp.Server(parameters)
    ids = [_tokenize(server.listening_address, text) for text in json.load(sys.stdin)]
    json.dump(ids, sys.stdout)
    sys.stdout.flush()


def _tokenize(address: str, text: str) -> list[int]:
    body = {"content": text, "add_special": True, "parse_special": True}
    request = urllib.request.Request(  # noqa: S310 - the loopback address of our own server
        f"{address}/tokenize", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310 - likewise
        ids: list[int] = json.load(response)["tokens"]
    return ids


if __name__ == "__main__":
    main()
