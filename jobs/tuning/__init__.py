"""Fine-tunes a causal language model: full, LoRA or QLoRA, on one device or several."""
