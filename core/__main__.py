"""``python -m core VERB``: the command line."""

import sys

STOPPED = 130


def run() -> int:
    """Run the verb of the command line; Ctrl-C ends it without a traceback, however early."""
    try:
        from core.cli import main

        return main()
    except KeyboardInterrupt:
        return STOPPED


if __name__ == "__main__":
    sys.exit(run())
