"""The licence that a tuned model has from its base."""

from importlib.resources import files
from pathlib import Path, PurePath

from allowed_values.hyperparameters import Hyperparameters

_TEXTS = files(__package__) / "licenses"  # in a zip, where the job runs
_NOTICE = """\
This model is derived from {base} and stays under that model's licence, {license}.
The base came without the licence's text: get it from the base's publisher.
"""


def write_license(target: Path, p: Hyperparameters) -> None:
    """Write LICENSE, if none came with the base: the text where it is known, or which it is."""
    if any(file.name.upper().startswith(("LICENSE", "LICENCE")) for file in target.iterdir()):
        return
    known = {PurePath(path.name).stem: path for path in _TEXTS.iterdir()}
    if path := known.get(p.base_model_license.lower()):
        text = path.read_text(encoding="utf-8")
    else:
        text = _NOTICE.format(base=p.base_model_id, license=p.base_model_license)
    (target / "LICENSE").write_text(text, encoding="utf-8")
