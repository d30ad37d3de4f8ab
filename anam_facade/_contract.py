"""Where the contract is: the same `openapi.yaml` in an installed wheel and in a source tree."""

from pathlib import Path


def openapi_path() -> Path:
    """The path of the `openapi.yaml` that this version of the package was built from.

    For teams that generate clients in other languages, and for tools that validate against the contract. It is read by
    the sandbox and by tests only; the client itself never parses it.

    Raises:
        FileNotFoundError: The installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "openapi.yaml", package.parent / "openapi.yaml"):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"openapi.yaml is neither in {package} nor beside it; reinstall anam-facade")
