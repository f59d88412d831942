"""A model that is one GGUF file, on its way into the account's bucket."""

import _paths  # noqa: F401  # isort: skip  # first: it makes the jobs' sources findable

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gguf_files.header import RefusedFileError
from operate.gguf_file.fitness import open_file
from operate.gguf_file.vocabulary import check_same, load
from operate.weights.files import WeightFile, describe, download


@dataclass(frozen=True)
class WantedFile:
    """The file that the environment declares, as the outputs of its stack tell it."""

    repository: str
    revision: str
    name: str
    size: int
    tokenizer: str
    window: int

    @classmethod
    def of(cls, outputs: Mapping[str, str]) -> "WantedFile | None":
        """Return the file; None for weights that are a folder."""
        if "WeightsFile" not in outputs:
            return None
        return cls(
            outputs["WeightsRepository"],
            outputs["WeightsRevision"],
            outputs["WeightsFile"],
            int(outputs["WeightsFileBytes"]),
            outputs["WeightsTokenizer"],
            int(outputs["WeightsWindow"]),
        )

    def of_hub(self) -> list[WeightFile]:
        """Download the file of the commit; raises SystemExit if it is not what is declared."""
        (found,) = download(self.repository, self.revision, self._choose)
        self._check(found.path)
        return [found]

    def of_file(self, path: Path) -> list[WeightFile]:
        """Return a file of this machine; raises SystemExit if it is not what is declared."""
        self._check(path)
        return [describe(self.name, path)]

    def _choose(self, names: Iterable[str]) -> list[str]:
        if self.name not in names:
            raise SystemExit(f"{self.repository} at {self.revision} has no {self.name}")
        return [self.name]

    def _check(self, path: Path) -> None:
        try:
            self._compare(path)
        except RefusedFileError as error:
            raise SystemExit(f"{path} cannot be staged as {self.name}: {error}") from error

    def _compare(self, path: Path) -> None:
        """Raise RefusedFileError for what the endpoint could not serve, before it is billed."""
        file = open_file(path)
        if file.size != self.size:
            raise RefusedFileError(
                f"it must have the {self.size} bytes that the environment declares, got {file.size}"
            )
        if file.context < self.window:
            raise RefusedFileError(
                f"its context must be at least the environment's {self.window} tokens, got"
                f" {file.context}"
            )
        check_same(file.metadata, load(self.tokenizer))
