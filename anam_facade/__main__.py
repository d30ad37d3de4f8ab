"""`python -m anam_facade`: the same as the command `anam-facade`."""

from anam_facade.cli import main

main()
