// Starts sessions with openapi-fetch over the types that openapi-typescript makes of openapi.yaml. The types exist for the
// compiler only: at run time JSON is passed on as it is, so that nothing can be lost. What can go wrong is that a type does
// not admit what the contract does; hence the shared bodies are compiled.

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./anam.js";

type Schemas = components["schemas"];

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set`);
  }
  return value;
}

const apiKey = setting("ANAM_API_KEY");

// A client per bearer, so that a session token cannot be sent where the API key belongs, or the other way round.
function clientWith(bearer: string): Client<paths> {
  return createClient<paths>({
    baseUrl: setting("ANAM_API_URL"),
    headers: { Authorization: `Bearer ${bearer}` },
    signal: AbortSignal.timeout(30_000),
  });
}

function say(line: { step: string; status?: number; result: unknown } & Record<string, unknown>): void {
  console.log(JSON.stringify(line));
}

const inline: Schemas["EphemeralPersonaConfig"] = {
  type: "ephemeral",
  name: "Cara",
  avatarId: "30fa96d0-26c4-4e55-94a0-517025942e18",
  avatarModel: "cara-4",
  voiceId: "6bfbe25a-979d-40f3-a92b-5394170af54b",
  llmId: "0934d97d-0c3a-4f33-91b0-5e136a0ef466",
  directorNotes: { presetStyle: "warm", expressivity: 0.5 },
  tools: [{ type: "client", name: "open_page", description: "Opens a page of the shop." }],
};
const saved: Schemas["StatefulPersonaConfig"] = { personaId: "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506" };

async function start(step: string, bearer: string, body: Schemas["EngineSessionRequest"]): Promise<void> {
  const { data, response } = await clientWith(bearer).POST("/v1/engine/session", { body });
  if (data === undefined) {
    throw new Error(`${step}: ${response.status}`);
  }
  const session: Schemas["EngineSession"] = data;
  say({ step, result: session });
}

async function sessions(): Promise<void> {
  const withKey = clientWith(apiKey);

  const minted = await withKey.POST("/v1/auth/session-token", {
    body: { personaConfig: inline, clientLabel: "token", expiresIn: "1h" },
  });
  if (minted.data === undefined) {
    throw new Error(`minting: ${minted.response.status} ${minted.error.error}`);
  }
  say({ step: "token", result: minted.data });
  await start("start", minted.data.sessionToken, {});

  await start("direct", apiKey, { personaConfig: saved, clientLabel: "direct" });
  await start("extra", apiKey, { personaConfig: saved, clientLabel: "extra" });

  const refused = await clientWith("wrong-key").POST("/v1/auth/session-token", { body: { personaConfig: saved } });
  say({ step: "unauthorized", status: refused.response.status, result: refused.error });

  const full = await withKey.POST("/v1/engine/session", { body: { personaConfig: saved, clientLabel: "limit" } });
  say({ step: "limit", status: full.response.status, result: full.error });
}

// Compiled after this file, from the shared bodies: each as a literal that has the type of its schema.
async function bodies(): Promise<void> {
  const module: string = new URL("./bodies.js", import.meta.url).href;
  const { shared } = (await import(module)) as { shared: { name: string; result: unknown }[] };
  for (const body of shared) {
    say({ step: "body", ...body });
  }
}

await sessions();
await bodies();
