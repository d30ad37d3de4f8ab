// A token endpoint for a page, as a function from Request to Response: for Next, Deno, Bun, workers and whatever else has them.

import { AnamClient, AnamError } from "./anam.js";

export function tokenEndpoint(client: AnamClient, personaId: string): (request: Request) => Promise<Response> {
  return async () => {
    try {
      const token = await client.createSessionToken({ personaId }, { clientLabel: "web", expiresIn: "1h" });
      return Response.json({ sessionToken: token.value }, { headers: { "Cache-Control": "no-store" } });
    } catch (error) {
      // The details are for your log; a visitor learns that it did not work, and when to come back.
      console.error(String(error));
      const wait = error instanceof AnamError ? error.retryAfterMs : null;
      const headers: Record<string, string> = wait === null ? {} : { "Retry-After": String(Math.ceil(wait / 1_000)) };
      return Response.json({ error: "no avatar right now" }, { status: 503, headers });
    }
  };
}
