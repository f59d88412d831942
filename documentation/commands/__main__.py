"""Runs the commands of the README and the guides in a clean clone: `make docs-commands`."""

import json
import sys
import time

from .reading import GUIDES, ROOT, Command, blocks
from .session import Ended, Session
from .ways import Run, way_of

_OF_A_PAGE = "https://<id>.execute-api.<region>.amazonaws.com/api/v1"
_SHOWN_LINES = 30


class _Reader:
    """Follows the pages from their first line to their last, and keeps what failed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._done: set[str] = set()
        self.passed = 0
        self.failed: list[Command] = []

    def follow(self, page: str) -> None:
        """Run what a page tells its reader to run, but what was run before."""
        for command in blocks(page):
            way = way_of(command)
            if isinstance(way, Run) and command.text not in self._done:
                self._done.add(command.text)
                self._judge(command, way, self._session.run(self._runnable(command, way)))
                if command.text == "make up":
                    self._point_at_embedded_aws()

    def _runnable(self, command: Command, way: Run) -> str:
        if command.language == "console":
            return way.instead or command.text
        # Beside its client's packages, which `make clients` installs.
        folder = "tests/clients/node" if command.language == "js" else "."
        name = f"{folder}/example.{'mjs' if command.language == 'js' else 'py'}"
        (self._session.clone / name).write_text(self._filled(command.text), encoding="utf-8")
        if command.language == "js":
            return f"make -s {folder}/node_modules/installed && .venv/bin/node {name}"
        return f".venv/bin/python {name}"

    def _filled(self, example: str) -> str:
        """Return an example with the deployed API's address, key and model."""
        said = json.loads(self._session.run("make -s info").output)
        example = example.replace(_OF_A_PAGE, f"{said['base_url']}/v1").replace(
            "<key>", said["api_key"]
        )
        return example.replace('"mistral-7b-instruct"', json.dumps(said["model"]))

    def _point_at_embedded_aws(self) -> None:
        """Make the shell's account the embedded AWS, for the commands of another environment."""
        ended = self._session.run('eval "$(.venv/bin/python -m operate env)"')
        if ended.status:
            sys.exit(ended.output)

    def _judge(self, command: Command, way: Run, ended: Ended) -> None:
        good = ended.status == way.status and way.expects in ended.output
        shown = way.instead or command.text.partition("\n")[0]
        print(
            f"{'ok' if good else 'FAILED':<7}{ended.seconds:6.1f} s  {command.place:<28}{shown}",
            flush=True,
        )
        if good:
            self.passed += 1
            return
        self.failed.append(command)
        print("\n".join(ended.output.splitlines()[-_SHOWN_LINES:]))
        print(f"exit status {ended.status}; to be printed: {way.expects!r}", flush=True)


def main() -> None:
    """Follow all pages; exit with 1 if a command failed."""
    began = time.monotonic()
    with Session(ROOT) as session:
        reader = _Reader(session)
        for page in GUIDES:
            reader.follow(page)
    print(f"in {time.monotonic() - began:.0f} s")
    print(f"{reader.passed} passed, {len(reader.failed)} failed")
    sys.exit(bool(reader.failed))


main()
