"""The reference of the verbs: what each changes, and an example."""

import re
from pathlib import Path

from operate.verbs import GROUPS

from .markdown import code, page, table

_MAKEFILE = Path(__file__).parents[1] / "Makefile"
_TARGET = re.compile(r"^([a-z-]+)[a-z -]*:[^#\n]*## (.+)$", re.MULTILINE)
_INTRODUCTION = """
Everything that a person or CI runs. `make VERB ENV=dev` and `python -m operate VERB dev` are the
same; `python -m operate VERB --help` shows a verb's options. Without `ENV=` a verb means the
stage on this machine. Where it stops halfway, the same command again goes on.
"""


def verbs_page() -> str:
    """Return docs/reference/verbs.md."""
    listed = {verb.name for verbs in GROUPS.values() for verb in verbs}
    others = [(code(f"make {n}"), s) for n, s in targets().items() if n not in listed]
    return page(
        "Verbs",
        _INTRODUCTION,
        *(
            f"## {group[0].upper()}{group[1:]}\n\n"
            + table(
                ("verb", "what it does", "what it changes", "example"),
                ((code(v.name), v.summary, v.changes, code(v.example)) for v in verbs),
            )
            for group, verbs in GROUPS.items()
        ),
        "## For the checkout",
        table(("verb", "what it does"), others),
    )


def targets() -> dict[str, str]:
    """Return each target of the Makefile that `make help` lists, with its words."""
    return dict(_TARGET.findall(_MAKEFILE.read_text(encoding="utf-8")))
