"""What a person runs: `python -m operate VERB`."""

from operate.command_line import main

if __name__ == "__main__":
    main()
