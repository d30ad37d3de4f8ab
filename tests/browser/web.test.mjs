// The vendor's JavaScript SDK, unmodified, in the page of examples/web, against the sandbox: what each fault becomes.
//
// docs/browser.md keeps the table of what was seen; a run that sees something else fails. WRITE=1 writes it anew.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { after, before, beforeEach, describe, test } from "node:test";

import { FAULTS } from "../../examples/web/page/faults.js";
import * as pages from "./pages.mjs";

const { PYTHON = ".venv/bin/python", WRITE } = process.env;
const { VIEWS, assertForEveryone, picture, until } = pages;
const ROOT = new URL("../../", import.meta.url);
const DOCUMENT = new URL("docs/browser.md", ROOT);
const [BEGIN, END] = ["<!-- seen by tests/browser/web.test.mjs -->\n", "<!-- end -->"];
const CLOSED_BY_SERVER = "CONNECTION_CLOSED_CODE_SERVER_CLOSED_CONNECTION";

let web; // the process with the page, the token server and the sandbox
let page_url;
let sandbox_url;
let api_key;

// A server that is starting, or that plays an outage, is waited for.
async function patiently(url, options) {
  for (let i = 0; ; i++) {
    try {
      return await fetch(url, options);
    } catch (error) {
      if (i === 200) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

async function control(method, path, body) {
  const answer = await patiently(`${sandbox_url}/_sandbox${path}`, { method, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

before(async () => {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  web = spawn(PYTHON, ["-m", "examples.web", "--port", String(port)], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface(web.stdout)) {
    [, sandbox_url, api_key] = line.match(/^The sandbox: +(\S+) API key (\S+)/) ?? [];
    if (sandbox_url) break;
  }
  assert.ok(sandbox_url, "examples.web ended");
  page_url = `http://127.0.0.1:${port}/`;
  await patiently(page_url);
});

after(() => web?.kill("SIGINT"));

beforeEach(() => control("POST", "/reset"));

const opened = ({ query = "?patience=3", microphone = true, ...more } = {}) =>
  pages.opened({ url: page_url + query, permissions: microphone ? ["microphone"] : [], ...more });

// What the page says once it has given up, or has been told.
async function told(page) {
  const notice = page.locator("#notice");
  await notice.waitFor({ state: "visible", timeout: 30_000 });
  const { code, status, reason } = await notice.evaluate((element) => ({ ...element.dataset }));
  return { code, status, reason, title: await notice.locator("h2").innerText() };
}

// A page that starts once, and what came of it on both sides.
async function played(name, { faults = [], prepare = () => {}, ...options } = {}) {
  if (faults.length) await control("POST", "/faults", faults);
  const { page, seen, close } = await opened(options);
  await prepare(page);
  await page.getByRole("button", { name: "Start" }).click();
  const heard = await told(page);
  const { requests, sessions } = await control("GET", "/state");
  const statuses = (operation) => requests.filter((seen) => seen.operation === operation).map((seen) => seen.status);
  const starts = statuses("createEngineSession");
  const sockets = statuses("signalling");
  await close();
  // The page has gone: whatever session it had a socket for ends.
  if (sockets.includes(101)) await until(async () => (await control("GET", "/state")).active_sessions === 0);
  assert.ok(sessions.length <= 1, "one click started more than one session");
  const elsewhere = new Set(seen.requests.filter((url) => !/^(http:\/\/127\.0\.0\.1:|data:)/.test(url)));
  // The SDK refuses the token before it reads where its telemetry is to go.
  assert.deepEqual([...elsewhere], name === "token: legacy" ? ["https://api.anam.ai/v1/metrics/client"] : []);
  const { active_sessions } = await control("GET", "/state");
  return { name, starts, sockets, ...heard, sessions: sessions.length, running: active_sessions };
}

test("the plain start, ten times", async () => {
  for (let i = 0; i < 10; i++) {
    const { starts, sockets, code, reason, sessions, running } = await played("no fault");
    assert.deepEqual([starts, sockets, code, sessions, running], [[200], [101], CLOSED_BY_SERVER, 1, 0]);
    assert.match(reason, /^The sandbox has no engine/);
    await control("POST", "/reset");
  }
});

test("a start of unknown fate is tried again with the same token, which cannot start a second session", async () => {
  for (const [processed, heard] of Object.entries({ false: CLOSED_BY_SERVER, true: "CLIENT_ERROR_CODE_AUTHENTICATION_ERROR" })) {
    await control("POST", "/reset");
    await control("POST", "/faults", { operation: "createEngineSession", status: 500, processed: processed === "true" });
    const { page, close } = await opened();
    const start = page.getByRole("button", { name: "Start" });
    await start.click();
    assert.equal((await told(page)).code, "CLIENT_ERROR_CODE_SERVER_ERROR");
    await control("DELETE", "/faults");
    await start.click();
    await page.locator(`#notice[data-code="${heard}"]`).waitFor();
    const { tokens, sessions } = await control("GET", "/state");
    assert.deepEqual([tokens.length, sessions.length], [1, 1]);
    await close();
  }
});

test("what the SDK sends on its own account is taken: options of the session, and a persona with the API key", async () => {
  const { page, close } = await opened();
  const closed = (how) =>
    page.evaluate(async ({ how, token, key, baseUrl }) => {
      const options = { api: { baseUrl }, voiceDetection: { endOfSpeechSensitivity: 0.5 } };
      const persona = { personaId: "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506" };
      const client =
        how === "token" ? anam.createClient(token, options) : anam.unsafe_createClientWithApiKey(key, persona, options);
      const told = new Promise((done) => client.addListener(anam.AnamEvent.CONNECTION_CLOSED, done));
      await client.streamToVideoElement("video");
      return told;
    }, { how, token, key: api_key, baseUrl: sandbox_url });
  const token = await fresh();
  assert.equal(await closed("token"), CLOSED_BY_SERVER);
  assert.equal(await closed("key"), CLOSED_BY_SERVER);
  const { requests } = await control("GET", "/state");
  const bodies = requests.filter((seen) => seen.operation === "createEngineSession").map((seen) => Object.keys(seen.body));
  assert.deepEqual(bodies, [["sessionOptions", "clientMetadata"], ["personaConfig", "sessionOptions", "clientMetadata"]]);
  await control("PUT", "/settings", { record_all: true });
  await page.evaluate((baseUrl) => fetch(`${baseUrl}/v1/metrics/client`, { method: "POST", body: "{}" }), sandbox_url);
  assert.equal((await control("GET", "/state")).requests.at(-1).path, "/v1/metrics/client");
  await close();
});

test("a session that is stopped while it is being started ends", async () => {
  await control("POST", "/faults", { operation: "signalling", delay_answer: 3600 });
  const { page, close } = await opened();
  let release;
  const stopped = new Promise((done) => (release = done));
  await page.route("**/v1/engine/session", async (route) => {
    const response = await route.fetch();
    await stopped;
    await route.fulfill({ response });
  });
  await page.getByRole("button", { name: "Start" }).click();
  await until(async () => (await control("GET", "/state")).active_sessions === 1);
  await page.getByRole("button", { name: "Stop" }).click();
  release();
  await until(async () => (await control("GET", "/state")).active_sessions === 0);
  await close();
});

const rows = [];
// How often Chromium repeats a request by itself when a connection is reset is not always the same.
const cell = (values) => values.join(", ").replace(/^closed(, closed)+$/, "closed, several times") || "–";
const short = (code) => code.replace(/^CLIENT_ERROR_CODE_|^CONNECTION_CLOSED_CODE_/, "");

function line({ name, starts, sockets, code, status, title, sessions, running }) {
  const heard = [short(code), status].filter(Boolean).join(" ");
  return `| ${[name, cell(starts), cell(sockets), heard, title, sessions, running].join(" | ")} |`;
}

const fresh = async () => (await (await fetch(`${page_url}api/session-token`, { method: "POST" })).json()).sessionToken;
const unsigned = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
const withToken = (token) => ({
  prepare: (page) => page.route("**/api/session-token", (route) => route.fulfill({ json: { sessionToken: token } })),
});

// What takes more than a fault to bring about.
const SITUATIONS = {
  "token: not the sandbox's": async () => withToken(unsigned({ type: "ephemeral" })),
  "token: expired": async () => {
    await control("PUT", "/settings", { token_lifetime: 0.001 });
    return withToken(await fresh());
  },
  "token: used before": async () => {
    const token = await fresh();
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    assert.equal((await fetch(`${sandbox_url}/v1/engine/session`, { method: "POST", headers, body: "{}" })).status, 200);
    await control("POST", "/sessions/end");
    return withToken(token);
  },
  "token: legacy": async () => withToken(unsigned({ type: "legacy" })),
  "no slot free": async () => void (await control("PUT", "/settings", { max_sessions: 0 })),
  "connection refused": async () => {
    const { prepare } = withToken(await fresh());
    return { prepare: async (page) => (await prepare(page), await control("POST", "/outage", { seconds: 5 })) };
  },
  "microphone denied": async () => ({ microphone: false }),
};

describe("the table of faults", () => {
  for (const name of Object.keys(FAULTS)) {
    const query = name === "socket silent" ? "?patience=3" : "";
    test(name, async () => rows.push(await played(name, { faults: FAULTS[name], query })));
  }
  for (const [name, situation] of Object.entries(SITUATIONS)) {
    test(name, async () => rows.push(await played(name, await situation())));
  }

  test("is the one that docs/browser.md keeps", () => {
    const head = [
      "| fault | starts answered | sockets | the SDK told the page | the page told the person | sessions started | left running |",
      "|---|---|---|---|---|---|---|",
    ];
    const seen = [...head, ...rows.map(line), ""].join("\n");
    console.log(seen);
    const document = readFileSync(DOCUMENT, "utf8");
    const [opening, rest] = document.split(BEGIN);
    const [kept, closing] = rest.split(END);
    if (WRITE) writeFileSync(DOCUMENT, [opening, BEGIN, seen, END, closing].join(""));
    else assert.equal(seen, kept);
  });
});

for (const view of VIEWS) {
  test(`for everyone: ${view.name}, before and after`, async () => {
    const { page, close } = await opened({ query: "?sandbox", ...view });
    await page.getByLabel("What the sandbox is to get wrong").waitFor();
    for (const fault of ["no fault", "503 Service Unavailable"]) {
      await page.getByLabel("What the sandbox is to get wrong").selectOption(fault);
      await until(async () => (await control("GET", "/faults")).length === FAULTS[fault].length);
      await page.getByRole("button", { name: "Start" }).click();
      await page.locator("#notice:not([hidden])").waitFor();
      await assertForEveryone(page, view);
      await page.getByText("For the people who run this site").click();
      await picture(page, `web-${view.name}-${parseInt(fault) || "plain"}`);
    }
    await close();
  });
}
