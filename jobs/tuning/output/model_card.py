"""The model card: what a tuned model was made from, how, and with what success."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from allowed_values.hyperparameters import Hyperparameters

_IDENTIFIER = re.compile(r"[A-Za-z][\w./-]*")

_CARD = """\
---
license: {yaml_license}
base_model: {yaml_base}
library_name: {library}
pipeline_tag: text-generation
tags: [{tags}]
---

# {base}, fine-tuned

A {method} of `{base}` on {mode} data. It is derived from `{base}` and stays under that model's
licence, {license}.

## Data

| | |
| --- | --- |
| records kept | {kept} of {counted} |
| trained on, validated on, held out | {splits} |
| left out of them, as too long for training | {left_out} |
| SHA-256 of the kept records | `{sha256}` |

## Prompts

{prompts}

## Result

| | |
| --- | --- |
{metrics}

## Hyperparameters

| | |
| --- | --- |
{hyperparameters}
"""

_PROMPTS = """\
It was trained on prompts of this template, in the format `{format}`. The API writes the format; who
asks writes the prompt as the template does.

```json
{template}
```"""
_NO_PROMPTS = "It was trained on texts as they stand, without a prompt."


def write_model_card(
    target: Path, p: Hyperparameters, report: Mapping[str, Any], metrics: Mapping[str, float]
) -> None:
    """Write README.md from the preparing job's report and the training's metrics."""
    method = f"{'QLoRA' if p.quantized else 'LoRA'} fine-tuning" if p.lora else "full fine-tuning"
    splits = report["splits"]
    left_out = {name: metrics[f"{name}_records_left_out"] for name in ("train", "validation")}
    card = _CARD.format(
        license=p.base_model_license,
        base=p.base_model_id,
        yaml_license=_yaml(p.base_model_license),
        yaml_base=_yaml(p.base_model_id),
        library="gguf" if p.gguf_kind else "transformers",
        tags=", ".join(["fine-tuned", *(["lora"] if p.lora else [])]),
        method=method,
        mode=report["mode"],
        kept=report["records"]["kept"],
        counted=report["records"]["counted"],
        splits=", ".join(str(count - left_out.get(name, 0)) for name, count in splits.items()),
        left_out=sum(left_out.values()),
        sha256=report["sha256"],
        prompts=_prompts(p, report),
        metrics=_rows(metrics),
        hyperparameters=_rows(asdict(p)),
    )
    (target / "README.md").write_text(card, encoding="utf-8")


def _prompts(p: Hyperparameters, report: Mapping[str, Any]) -> str:
    if not p.instruction_tuned:
        return _NO_PROMPTS
    template = json.dumps(report["template"], indent=2, ensure_ascii=False)
    return _PROMPTS.format(format=p.prompt_format, template=template)


def _yaml(text: str) -> str:
    # A JSON string is YAML too; an identifier reads better without quotes.
    return text if _IDENTIFIER.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _rows(values: Mapping[str, object]) -> str:
    return "\n".join(f"| {name} | {_cell(value)} |" for name, value in values.items())


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", r"\|")
