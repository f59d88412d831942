"""A run's folder: its options, and every request of each cell as JSON."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench.load.arrivals import Load
from bench.load.generator import Recorded
from bench.load.requests import Request
from bench.options import Options
from bench.results.figures import Figures, figures_of

_OPTIONS, _CELLS = "options.json", "cells"


@dataclass(frozen=True)
class Run:
    """A folder and the options that it was made with."""

    folder: Path
    options: Options

    @classmethod
    def create(cls, folder: Path, options: Options) -> "Run":
        """Make the folder; raises ValueError if it holds a run already."""
        if (folder / _OPTIONS).exists():
            raise ValueError(
                f"{folder} holds a run already: resume it with --resume, or give --out"
            )
        (folder / _CELLS).mkdir(parents=True, exist_ok=True)
        _write(folder / _OPTIONS, json.dumps(options.as_json(), indent=2).encode())
        return cls(folder, options)

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open a folder that a run was written to; raises ValueError."""
        path = folder / _OPTIONS
        if not path.exists():
            raise ValueError(f"{folder} holds no run: {path} is missing")
        try:
            return cls(folder, Options.from_json(json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} cannot be read: {error}") from None

    def cell_path(self, words: int, load: Load) -> Path:
        """Return where a cell is kept."""
        name = str(load).replace(" ", "-").translate({ord(each): None for each in "()/"})
        return self.folder / _CELLS / f"{words}-words-{name}.json"

    def save(self, words: int, load: Load, recorded: Recorded) -> None:
        """Keep a cell; its times start with its window."""
        begun, ended = recorded.window
        stored = replace(
            recorded,
            window=(0.0, _rounded(ended - begun)),
            client_lags=tuple(_rounded(lag) for lag in recorded.client_lags),
            requests=tuple(_shifted(request, begun) for request in recorded.requests),
        )
        _write(self.cell_path(words, load), msgspec.json.encode(stored))

    def load(self, words: int, load: Load) -> Recorded | None:
        """Return a cell that was kept, or None; raises ValueError."""
        path = self.cell_path(words, load)
        if not path.exists():
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=Recorded)
        except msgspec.DecodeError as error:
            raise ValueError(f"{path} cannot be read: {error}; delete it, and resume") from None

    def cells(self) -> list[tuple[Figures, Recorded]]:
        """Read what was measured so far, in the plan's order."""
        return [
            (self.figures(words, load, recorded), recorded)
            for words in self.options.words
            for load in self.options.loads
            if (recorded := self.load(words, load))
        ]

    def figures(self, words: int, load: Load, recorded: Recorded) -> Figures:
        """Return a cell's figures."""
        options = self.options
        return figures_of(recorded, words, options.tokens, load, options.objective)


def _shifted(request: Request, begun: float) -> Request:
    return replace(
        request,
        due=_rounded(request.due - begun),
        sent=_rounded(request.sent - begun),
        arrivals=tuple(_rounded(at - begun) for at in request.arrivals),
        ended=_rounded(request.ended - begun),
    )


def _rounded(seconds: float) -> float:
    return round(seconds, 5)


def _write(path: Path, content: bytes) -> None:
    """Write the whole file or nothing."""
    beside = path.with_suffix(".part")
    beside.write_bytes(content)
    beside.replace(path)
