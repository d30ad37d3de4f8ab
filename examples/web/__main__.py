"""`make web`: the page and its token server, against the sandbox, until Ctrl-C. No account, no bill, no picture."""

from __future__ import annotations

import argparse
import os
import sys

import uvicorn

from anam_facade.sandbox import Sandbox

PERSONA_ID = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make web", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="TCP port of the page (default: 8080)")
    port: int = parser.parse_args().port
    with Sandbox() as sandbox:
        os.environ |= {"ANAM_API_URL": sandbox.base_url, "ANAM_API_KEY": sandbox.api_key, "PERSONA_ID": PERSONA_ID}
        from examples.web.server import SDK, app

        if not SDK.exists():
            print(f"The vendor's SDK is not installed: {SDK} comes with `make web`.", file=sys.stderr)
            return 1
        print(f"The page:    http://127.0.0.1:{port}/?sandbox")
        print(f"The sandbox: {sandbox.base_url} API key {sandbox.api_key}", flush=True)
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
