"""Check that an OpenAPI document is valid: `validate_spec.py openapi.yaml`.

The validator's own command prints the whole document with every error; this prints one line for each, with its place
if that is known.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing.exceptions import Unresolvable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST_LINE = 300


def problems(file: Path) -> Iterator[str]:
    try:
        document = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        yield f"cannot be read: {error}"
        return
    try:
        for mistake in OpenAPIV31SpecValidator(document).iter_errors():
            place = "".join(f"/{part}" for part in mistake.absolute_path)
            yield f"#{place}: {mistake.message}" if place else mistake.message
    except Unresolvable as error:  # ends the search: what it says about the document stays incomplete
        yield f"$ref leads nowhere: {error.ref}"


def main(args: Sequence[str]) -> int:
    if len(args) != 1:
        sys.exit("usage: validate_spec.py FILE")
    found = False
    for problem in problems(Path(args[0])):
        found = True
        print(f"{args[0]}: {problem if len(problem) <= LONGEST_LINE else problem[:LONGEST_LINE] + ' …'}")
    if not found:
        print(f"{args[0]}: valid")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
