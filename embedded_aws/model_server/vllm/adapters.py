"""LoRA adapters: those that vLLM loads while it runs, each a model of its own by its name."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from embedded_aws.model_server import packaged
from embedded_aws.model_server.adapter import convert_adapter, rank, read_config
from embedded_aws.model_server.errors import SettingsError
from embedded_aws.model_server.llama import Llama
from embedded_aws.model_server.vllm.errors import VllmError, not_found
from embedded_aws.model_server.vllm.flags import Flags
from embedded_aws.model_server.weights import ADAPTER_NAME, Weights

DEFAULT_MAX_LORA_RANK = 16
_WORDS = ("1", "true")


def may_change(environment: Mapping[str, str]) -> bool:
    """Return whether vLLM has routes by which adapters come and go."""
    return environment.get("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "").strip().lower() in _WORDS


class Adapters:
    """Owns llama.cpp with all adapters; as it takes them at its start only, each starts another.

    What is generated meanwhile ends on the one that it began on.
    """

    def __init__(
        self, weights: Weights, model_data: Path, flags: Flags, start: Callable[[Weights], Llama]
    ) -> None:
        self._weights, self._start, self._flags = weights, start, flags
        self._config = read_config(model_data) if weights.adapters else packaged.HEADS
        self._lock = asyncio.Lock()
        self._loaded: dict[str, Path] = {}
        self._known: tuple[Path, ...] = ()  # what llama.cpp has, with those that are gone since
        self.llama = start(weights)

    @property
    def names(self) -> list[str]:
        """The names of the adapters."""
        return list(self._loaded)

    def options(self, model: str | None) -> dict[str, object]:
        """Return llama.cpp's options for a model: all adapters of the base, and one by name."""
        if not self._known:
            return {}
        chosen = [True] * len(self._weights.adapters)
        chosen += [path == self._loaded.get(model or "") for path in self._known]
        # With an empty list llama.cpp applies all.
        return {"lora": [{"id": n, "scale": float(is_on)} for n, is_on in enumerate(chosen)]}

    async def load(self, name: str, source: str) -> None:
        """Load an adapter; raises VllmError."""
        async with self._lock:
            if name in self._loaded:
                raise VllmError(f"The lora adapter '{name}' has already been loaded.", "lora_name")
            path = await asyncio.to_thread(self._convert, name, Path(source))
            known = (*self._loaded.values(), path)
            self.llama = await self._started(known)
            self._known, self._loaded[name] = known, path

    async def unload(self, name: str) -> None:
        """Forget an adapter; raises VllmError."""
        async with self._lock:
            if name not in self._loaded:
                raise not_found(f"The lora adapter '{name}' cannot be found.", "lora_name")
            del self._loaded[name]

    def _convert(self, name: str, source: Path) -> Path:
        if not self._flags.enable_lora:
            raise VllmError("LoRA is not enabled. Use --enable-lora to enable LoRA.")
        if not (source / "adapter_config.json").is_file():
            raise not_found(f"Loading lora {name} failed: No adapter found for {source}")
        largest = self._flags.max_lora_rank or DEFAULT_MAX_LORA_RANK
        target = source / ADAPTER_NAME
        try:
            if (found := rank(source)) > largest:
                raise VllmError(f"LoRA rank {found} is greater than max_lora_rank {largest}.")
            convert_adapter(source, self._config, target)
        except SettingsError as error:
            raise VllmError(f"Loading lora {name} failed: {error}") from error
        return target

    async def _started(self, known: tuple[Path, ...]) -> Llama:
        weights = replace(self._weights, adapters=(*self._weights.adapters, *known))
        try:
            return await asyncio.to_thread(self._start, weights)
        except SettingsError as error:
            raise VllmError(str(error)) from error
