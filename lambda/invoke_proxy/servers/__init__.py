"""The servers that the proxy speaks to, by the name that `SERVER` chooses."""

from invoke_proxy.servers.llama_cpp import LlamaCpp
from invoke_proxy.servers.server import Server
from invoke_proxy.servers.tgi import Tgi
from invoke_proxy.servers.vllm import Vllm
from invoke_proxy.settings import ServerName

SERVERS: dict[ServerName, Server] = {"tgi": Tgi(), "vllm": Vllm(), "llama-cpp": LlamaCpp()}
