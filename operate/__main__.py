"""What a person runs: `python -m operate VERB`."""

import signal
import sys


def interrupt(*_signal: object) -> None:
    """End the verb as Ctrl-C does; what tells it again, as `make` does, must not stop that."""
    signal.signal(signal.SIGTERM, lambda *_: None)
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        signal.signal(signal.SIGTERM, interrupt)
        from operate.command_line import main
        from operate.terminal import open_streams

        open_streams()
        main()
    except KeyboardInterrupt:  # while the modules were loaded
        sys.exit(130)
