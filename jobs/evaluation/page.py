"""The comparison as one HTML file that needs nothing else: no script, no font, no link."""

from collections.abc import Iterable
from html import escape

from evaluation.charts import bars, lines
from evaluation.comparison import TASKS, Comparison, Measured

_STYLE = """
:root { color-scheme: light dark; --base: #8a93a3; --tuned: #0f8b8d; --line: #d8dce3; }
@media (prefers-color-scheme: dark) { :root { --tuned: #3cc4c6; --line: #3a404b; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); gap: 2rem }
figure { margin: 0 } figcaption { font-weight: 600 }
svg { width: 100%; font-size: 12px } text { fill: currentColor } .grid { stroke: var(--line) }
.base { fill: var(--base); stroke: var(--base) } .tuned { fill: var(--tuned); stroke: var(--tuned) }
polyline { fill: none; stroke-width: 2.5 }
.base polyline { stroke-width: 7 } .base circle { r: 6.5px } /* seen under the other line too */
table { border-collapse: collapse; width: 100%; table-layout: fixed }
th, td { text-align: left; vertical-align: top; padding: .4rem .7rem .4rem 0;
  border-bottom: 1px solid var(--line) }
td { white-space: pre-wrap; overflow-wrap: anywhere }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .35em }
.key.base { background: var(--base) } .key.tuned { background: var(--tuned) }
"""


def render_page(comparison: Comparison) -> str:
    """Return the whole page."""
    base, tuned = comparison.base, comparison.tuned
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Base and tuned model</title><style>{_STYLE}</style></head>
<body>
<h1>Base and tuned model</h1>
<p>{_verdict(base, tuned)}</p>
<p><span class="key base"></span>base &emsp; <span class="key tuned"></span>tuned</p>
<h2>Held-out data</h2>
<div class="figures">
{
        bars(
            "Loss, nats a token (lower is better)",
            _pair(base.held_out.loss, tuned.held_out.loss),
            ".3f",
        )
    }
{
        bars(
            "Perplexity (lower is better)",
            _pair(base.held_out.perplexity, tuned.held_out.perplexity),
            ".2f",
        )
    }
</div>
<h2>Retrieval from long prompts</h2>
{"".join(f"<p>{escape(note)}</p>" for note in comparison.notes)}
<div class="figures">
{_retrieval(base, tuned)}
</div>
<h2>Speed</h2>
<div class="figures">
{bars("Tokens a second", _pair(base.tokens_per_second, tuned.tokens_per_second), ".1f")}
</div>
<h2>The same prompts, before and after</h2>
{_table(comparison)}
</body>
</html>
"""


def _verdict(base: Measured, tuned: Measured) -> str:
    change = tuned.held_out.loss / base.held_out.loss - 1
    direction = "lower" if change < 0 else "higher"
    return (
        f"On held-out data the tuned model's loss is {abs(change):.1%} {direction} than its base's:"
        f" {tuned.held_out.loss:.3f} after {base.held_out.loss:.3f}."
    )


def _pair(base: float, tuned: float) -> dict[str, float]:
    return {"base": base, "tuned": tuned}


def _retrieval(base: Measured, tuned: Measured) -> str:
    return "\n".join(
        lines(
            f"{task.name.capitalize()}: right answers by length in tokens",
            {
                label: [
                    (each.tokens, each.accuracy)
                    for each in measured.retrieval
                    if each.task == task.name
                ]
                for label, measured in (("base", base), ("tuned", tuned))
            },
        )
        for task in TASKS
    )


def _table(comparison: Comparison) -> str:
    answers = zip(
        comparison.prompts, comparison.base.answers, comparison.tuned.answers, strict=True
    )
    rows = "\n".join(
        _row("td", [prompt, before.text.strip(), after.text.strip()])
        for prompt, before, after in answers
    )
    return f"<table>\n{_row('th', ['Prompt', 'Base', 'Tuned'])}\n{rows}\n</table>"


def _row(cell: str, texts: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{cell}>{escape(text)}</{cell}>" for text in texts) + "</tr>"
