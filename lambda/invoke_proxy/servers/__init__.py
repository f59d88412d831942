"""The servers that the proxy speaks to, by the name that `SERVER` chooses."""

from invoke_proxy.servers.either import Either
from invoke_proxy.servers.llama_cpp import LlamaCpp
from invoke_proxy.servers.server import Server
from invoke_proxy.servers.tgi import Tgi
from invoke_proxy.servers.vllm import Vllm
from invoke_proxy.settings import ServerName

SERVERS: dict[ServerName, Server] = {"tgi": Tgi(), "vllm": Vllm(), "llama-cpp": LlamaCpp()}


def speaking(name: ServerName, other: ServerName | None) -> Server:
    """Return the server, or both of them while one takes over from the other."""
    server = SERVERS[name]
    return Either(server, SERVERS[other]) if other else server
