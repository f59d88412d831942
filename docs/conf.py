"""The site's settings: Sphinx reads the same Markdown that GitHub shows, and takes no dead link."""

import os
import re
from pathlib import Path

from pygments.lexers.shell import BashLexer
from sphinx.application import Sphinx
from sphinx.util import logging

_DOCS = Path(__file__).parent
_ROOT = _DOCS.parent
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s:]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)
_RECORDS = "\n\n```{toctree}\n:hidden:\n:glob:\n\n[0-9]*\n```\n"
_log = logging.getLogger(__name__)

project = "Mistral on SageMaker"
language = "en"
extensions = ["myst_parser"]
nitpicky = True
# Indented blocks hold commands and output of any kind.
highlight_language = "none"
# As GitHub makes anchors, down to the third level.
myst_heading_anchors = 3
html_theme = "furo"
html_title = project
html_show_copyright = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
# GitHub Actions says which repository builds; links to its sources are left out where nobody does.
_repository = os.environ.get("GITHUB_REPOSITORY", "")
_sources = f"https://github.com/{_repository}/blob/main/" if _repository else ""


def _anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(_CODE.sub("", page.read_text(encoding="utf-8")))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def _outside(docname: str, link: re.Match[str]) -> str:
    """Return a link as it is, or to the repository where it leaves the site; warn if it is dead."""
    image, text, target = link.groups()
    name, _, anchor = target.partition("#")
    path = Path(os.path.normpath((_DOCS / docname).parent / name))
    if not name or path.is_relative_to(_DOCS):
        return link[0]
    if not path.exists():
        _log.warning("no such file: %s", target, location=docname)
    elif anchor and path.suffix == ".md" and anchor not in _anchors(path):
        _log.warning("no such heading: %s", target, location=docname)
    if image or not _sources:
        return text
    return f"[{text}]({_sources}{path.relative_to(_ROOT)}{'#' if anchor else ''}{anchor})"


def _read(_app: Sphinx, docname: str, content: list[str]) -> None:
    parts = _CODE.split(content[0])
    parts[::2] = [_LINK.sub(lambda link: _outside(docname, link), part) for part in parts[::2]]
    content[0] = "".join(parts) + (_RECORDS if docname == "decisions/README" else "")


def setup(app: Sphinx) -> None:
    """Rewrite each page as it is read, and colour consoles, which show commands without prompts."""
    app.add_lexer("console", BashLexer)
    app.connect("source-read", _read)
