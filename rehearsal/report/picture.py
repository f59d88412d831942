"""The picture of a rehearsal: a lane for each environment, a block for each step."""

from collections.abc import Iterator, Sequence
from html import escape

from rehearsal.report.results import Result
from rehearsal.report.timeline import Step

_LANES = ("ci", "dev", "staging", "prod", "thief")
_LEFT, _TOP, _LANE, _BLOCK, _WIDTH = 70, 60, 34, 22, 960
_COLOURS = {
    "bootstrap": "#52606d", "delivery": "#7b8794", "assembly": "#9aa5b1", "deploy": "#0f8b8d",
    "smoke": "#5c6b8a", "bench": "#8d80ad", "drift": "#b8b8d1", "approval": "#f0b429",
    "watch": "#5b5f97", "return": "#e0a458",
}  # fmt: skip
_OTHER, _FAILED, _TEXT, _GREY = "#cbd2d9", "#c8553d", "#1f2933", "#7b8794"
_MIN_WIDTH, _LABELLED = 1.5, 34  # pixels: of the narrowest block, and of one with its name
_TICKS = 16  # at most


def draw(steps: Sequence[Step], results: Sequence[Result]) -> str:
    """Return the picture as SVG."""
    height = _TOP + _LANE * len(_LANES) + 86
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        f' font-family="sans-serif" font-size="11" fill="{_TEXT}">',
        "<title>From a commit to production: a rehearsal in the embedded AWS</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        *_lanes(),
        *_merges(steps),
        *(_block(step, _scale(steps)) for step in steps),
        *_axis(steps),
        *_legend(),
        *_verdicts(results, height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _scale(steps: Sequence[Step]) -> float:
    return (_WIDTH - _LEFT - 10) / max(step.ended for step in steps)


def _lanes() -> Iterator[str]:
    for index, lane in enumerate(_LANES):
        y = _TOP + index * _LANE
        yield f'<text x="8" y="{y + 15}">{lane}</text>'
        yield (
            f'<line x1="{_LEFT}" y1="{y + _LANE - 6}" x2="{_WIDTH - 10}" y2="{y + _LANE - 6}"'
            f' stroke="#e4e7eb"/>'
        )


def _merges(steps: Sequence[Step]) -> Iterator[str]:
    """Yield where each merge begins, with its title."""
    scale, seen = _scale(steps), set[str]()
    for step in steps:
        # What CI synthesizes ahead is no merge yet.
        if step.change not in seen and (step.lane != "ci" or not seen):
            row = len(seen) % 3
            seen.add(step.change)
            x = _LEFT + step.began * scale
            bottom = _TOP + _LANE * len(_LANES)
            yield (
                f'<line x1="{x:.1f}" y1="12" x2="{x:.1f}" y2="{bottom}" stroke="{_GREY}"'
                ' stroke-dasharray="2 3"/>'
            )
            anchor = "end" if x > _WIDTH - 120 else "start"
            shift = -3 if anchor == "end" else 3
            yield (
                f'<text x="{x + shift:.1f}" y="{20 + 14 * row}" font-weight="bold"'
                f' text-anchor="{anchor}">{escape(step.change)}</text>'
            )


def _block(step: Step, scale: float) -> str:
    x, width = _LEFT + step.began * scale, max(step.seconds * scale, _MIN_WIDTH)
    y = _TOP + _LANES.index(step.lane) * _LANE
    colour = _FAILED if step.failed else _COLOURS.get(step.name, _OTHER)
    told = escape(f"{step.name}, {step.seconds:.1f} s{': ' if step.note else ''}{step.note}")
    label = (
        f'<text x="{x + width / 2:.1f}" y="{y + 15}" text-anchor="middle" font-size="9"'
        f' fill="white">{escape(step.name)}</text>'
        if width > _LABELLED
        else ""
    )
    return (
        f'<g><title>{told}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}"'
        f' height="{_BLOCK}" rx="2" fill="{colour}" stroke="white" stroke-width="0.5"/>{label}</g>'
    )


def _axis(steps: Sequence[Step]) -> Iterator[str]:
    scale, y = _scale(steps), _TOP + _LANE * len(_LANES) + 8
    last = int(max(step.ended for step in steps))
    for second in range(0, last + 1, max(30, 30 * (last // _TICKS // 30 + 1))):
        yield (
            f'<text x="{_LEFT + second * scale:.1f}" y="{y}" text-anchor="middle" font-size="9"'
            f' fill="{_GREY}">{second // 60}:{second % 60:02}</text>'
        )


def _legend() -> Iterator[str]:
    y = _TOP + _LANE * len(_LANES) + 22
    for index, (name, colour) in enumerate({**_COLOURS, "stopped": _FAILED}.items()):
        x = _LEFT + index * 78
        yield f'<rect x="{x}" y="{y}" width="10" height="10" rx="2" fill="{colour}"/>'
        yield f'<text x="{x + 14}" y="{y + 9}" font-size="9">{name}</text>'


def _verdicts(results: Sequence[Result], height: int) -> Iterator[str]:
    """Yield how each merge ended, in words."""
    for index, result in enumerate(results):
        ends = ", ".join(f"{name} {outcome}" for name, outcome in result.found.items())
        x, y = _LEFT + (index % 2) * 450, height - 36 + 13 * (index // 2)
        colour = _FAILED if result.wrong else _GREY
        yield (
            f'<text x="{x}" y="{y}" font-size="9" fill="{colour}">'
            f"{escape(result.title)}: {escape(ends or 'refused')}</text>"
        )
