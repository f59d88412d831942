"""What a person runs: `python -m operate VERB`."""

import sys

if __name__ == "__main__":
    try:
        from operate.command_line import main
        from operate.terminal import open_streams

        open_streams()
        main()
    except KeyboardInterrupt:  # while the modules were loaded
        sys.exit(130)
