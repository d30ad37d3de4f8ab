"""`python -m anam_facade`: the same as the command `anam-facade`."""

from .cli import main

main()
