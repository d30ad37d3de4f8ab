"""`anam-facade`, the command. It needs the extra `[cli]`, and nothing else of the package imports it.

Built on click: it brings completion, help and a progress bar without a further package (typer brings six).
"""

import sys


def main() -> None:
    """Runs the command and ends the process. Exit status: 0, 1 (failed), 2 (usage), 3 (a session may be running)."""
    try:
        import click  # noqa: F401 - whether it is there
    except ImportError:
        sys.exit('error: this command needs click, which is not installed: pip install "anam-facade[cli]"')
    from .commands import cli

    cli(prog_name="anam-facade")
