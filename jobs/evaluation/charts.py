"""Plots as inline SVG, coloured by the page's own style sheet."""

from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT = 420, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 16, 16, 34
_BAR = 34

Points = Sequence[tuple[int, float]]


def bars(title: str, values: Mapping[str, float], form: str) -> str:
    """Horizontal bars from zero, each with its value; a bar's class is its label."""
    longest = max(values.values()) or 1
    rows = []
    for number, (label, value) in enumerate(values.items()):
        top, width = _TOP + number * _BAR, 240 * value / longest
        rows.append(
            f'<text x="64" y="{top + 16}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="{escape(label)}" x="72" y="{top}" width="{width:.1f}" height="22"/>'
            f'<text x="{80 + width:.1f}" y="{top + 16}">{value:{form}}</text>'
        )
    return _figure(title, "".join(rows), _TOP + len(values) * _BAR)


def lines(title: str, series: Mapping[str, Points]) -> str:
    """Shares from 0 to 1 over prompt lengths, one line a label; the lengths are evenly spaced."""
    lengths = [length for length, _ in next(iter(series.values()))]
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(lengths) - 1)
    body = [_grid(share) for share in (0, 0.5, 1)]
    for number, length in enumerate(lengths):
        x = _LEFT + number * step
        body.append(f'<text x="{x:.1f}" y="{_HEIGHT - 12}" text-anchor="middle">{length:,}</text>')
    for label, points in series.items():
        places = [(_LEFT + n * step, _y(share)) for n, (_, share) in enumerate(points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places)
        body.append(f'<g class="{escape(label)}"><polyline points="{path}"/>{dots}</g>')
    return _figure(title, "".join(body), _HEIGHT)


def _grid(share: float) -> str:
    y = _y(share)
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>'
    )


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _figure(title: str, body: str, height: int) -> str:
    name = escape(title)
    return (
        f'<figure><figcaption>{name}</figcaption><svg viewBox="0 0 {_WIDTH} {height}" role="img"'
        f' aria-label="{name}">{body}</svg></figure>'
    )
