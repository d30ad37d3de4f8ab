"""Proves that programs written for Anam run against the sandbox as they are: `make interop`.

Every client, ours and the ones people use today, unmodified and in an environment of its own, starts sessions; the
sandbox must have recorded exactly the sessions whose ids the client returned.
"""

from __future__ import annotations

import sys

import peers

from anam_facade.sandbox import Sandbox

STARTS = 3


def main() -> int:
    failed = False
    for client in peers.CLIENTS:
        with Sandbox() as sandbox:
            names = [f"interop-{i}" for i in range(STARTS)]
            results, _ = peers.run(
                client,
                base_url=sandbox.base_url,
                api_key=sandbox.api_key,
                names=names,
                concurrency=1,
                timeout=10.0,
            )
            got = sorted(result["session_id"] or result["error"] for result in results)
            recorded = sorted(session.id for session in sandbox.sessions)
            calls = ", ".join(request.path for request in sandbox.requests[: len(sandbox.requests) // STARTS])
        ok = got == recorded and len(recorded) == STARTS
        failed |= not ok
        print(f"{'ok    ' if ok else 'FAILED'} {client:28} {len(recorded)} sessions, each by {calls}")
        if not ok:
            print(f"       the client returned {got}\n       the sandbox recorded {recorded}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
