// The client over all of interop/vectors and, for whole calls, over what the sandbox can get wrong.
// Run by interop/test_others.py, which compiles the client and starts a sandbox whose API key is "the-api-key".

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { inspect } from "node:util";
import { beforeEach, describe, test } from "node:test";

import { tokenEndpoint } from "./dist/example.js";
import { AnamClient, AnamError, SessionStartUncertainError, SessionToken } from "./dist/anam.js";

const { SANDBOX } = process.env;
const KEY = "the-api-key";
const SAVED = { personaId: "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506" };
const MINT = "createSessionToken";
const START = "createEngineSession";
const AT_ONCE = { initialBackoffMs: 0, maxBackoffMs: 0, maxRetryAfterMs: 0 };

async function control(method, path, body) {
  const answer = await fetch(`${SANDBOX}/_sandbox${path}`, { method, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.status === 204 ? null : answer.json();
}
const inject = (...faults) => control("POST", "/faults", faults);
const happened = () => control("GET", "/state");
const statuses = async (operation) =>
  (await happened()).requests.filter((seen) => seen.operation === operation).map((seen) => seen.status);
const started = async (anam, setup) => anam.startEngineSession(await anam.createSessionToken(SAVED, setup));
const client = (more = {}) => new AnamClient({ apiKey: KEY, baseUrl: SANDBOX, retry: AT_ONCE, ...more });

async function failure(promise) {
  return promise.then(() => assert.fail("it should have failed"), (error) => error);
}

async function nobody() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return `http://127.0.0.1:${port}`;
}

beforeEach(() => control("POST", "/reset"));

// --- Vectors ----------------------------------------------------------------------------------------

const vectors = ["createSessionToken", "createEngineSession"].flatMap((folder) => {
  const place = new URL(`../vectors/${folder}/`, import.meta.url);
  return readdirSync(place).map((name) => JSON.parse(readFileSync(new URL(name, place), "utf8")));
});

function faultOf({ operation, response }) {
  const once = { operation, times: 1 };
  if (response.delivery === "reset") return { ...once, close: "after" };
  if (response.delivery === "silent") return { ...once, delay: 60 };
  return {
    ...once,
    status: response.status,
    headers: response.headers,
    truncate: response.delivery === "truncated",
    ...(response.contentType && { content_type: response.contentType }),
    ...("bodyBase64" in response ? { body_base64: response.bodyBase64 } : { body: response.body ?? response.bodyText }),
  };
}

// Plays a vector: [what came of the call, the requests that were sent].
async function played({ operation, request, response }, maxAttempts) {
  const sent = [];
  const { credential, bearer, body, headers } = request;
  const address = response.delivery === "refused" ? await nobody() : SANDBOX;
  const gateway = "X-Anam-Target-Url" in headers;
  const anam = client({
    apiKey: credential === "apiKey" ? bearer : "another-key",
    ...(gateway ? { baseUrl: "https://api.anam.ai", gatewayUrl: address } : { baseUrl: address }),
    timeoutMs: response.delivery === "silent" ? 200 : 10_000,
    retry: { ...AT_ONCE, maxAttempts },
    fetch: (url, options) => (sent.push({ url, ...options }), fetch(url, options)),
  });
  const { personaConfig, ...rest } = body;
  const call = () => {
    if (operation === MINT) return anam.createSessionToken(personaConfig, rest);
    if (credential === "apiKey") return anam.startSessionDirect(personaConfig, rest);
    return anam.startEngineSession(new SessionToken(bearer), rest);
  };
  return [await call().catch((error) => error), sent];
}

function checkRequest({ url, method, headers, body }, { request, response }) {
  assert.equal(new URL(url).pathname, request.path);
  assert.equal(method, request.method);
  assert.deepEqual(JSON.parse(body), request.body);
  assert.deepEqual(headers, { Authorization: `Bearer ${request.bearer}`, ...request.headers });
  assert.ok(response.delivery === "refused" || url.startsWith(SANDBOX));
}

async function checkOutcome(result, { outcome, response }) {
  if (outcome.kind === "token") {
    assert.ok(result instanceof SessionToken, inspect(result));
    assert.deepEqual([result.value, result.claims.type ?? null], [outcome.token.value, outcome.token.type]);
    const error = await failure(client({ retry: { maxAttempts: 1 } }).startEngineSession(result));
    assert.equal(error.kind, outcome.token.usable ? "authentication" : "configuration"); // the sandbox did not mint it
  } else if (outcome.kind === "session") {
    const { raw, ...session } = result;
    assert.deepEqual(session, outcome.session);
    assert.deepEqual(raw, response.body);
  } else {
    assert.ok(result instanceof AnamError, inspect(result));
    const { kind, status, code, serverMessage, details, retryAfterMs, mayHaveStarted } = result;
    assert.deepEqual(
      { error: kind, status: outcome.status === null ? null : status, code, message: serverMessage, details },
      (({ error, status, code, message, details }) => ({ error, status, code, message, details }))(outcome),
    );
    assert.equal(retryAfterMs, outcome.retryAfterSeconds === null ? null : outcome.retryAfterSeconds * 1000);
    assert.equal(mayHaveStarted, outcome.started === "maybe");
    const uncertain = outcome.started === "maybe" && ["answerLost", "unusableAnswer"].includes(outcome.error);
    assert.equal(result instanceof SessionStartUncertainError, uncertain);
  }
}

describe(`the ${vectors.length} vectors`, () => {
  for (const vector of vectors) {
    test(vector.name, async () => {
      const { outcome, response } = vector;
      if (response.delivery !== "refused") await inject(faultOf(vector));
      const [result, sent] = await played(vector, 1);
      assert.equal(sent.length, 1);
      checkRequest(sent[0], vector);
      await checkOutcome(result, vector);
      // With its retries on it sends the very same request again, or does not, as the vector says.
      await control("POST", "/reset");
      if (response.delivery !== "refused") await inject(faultOf(vector));
      const [, again] = await played(vector, 2);
      assert.equal(again.length, outcome.retry === "no" ? 1 : 2);
      for (const request of again) checkRequest(request, vector);
    });
  }
});

// --- Whole calls ------------------------------------------------------------------------------------

const LOST = {
  "reset": { close: "after" },
  "cut short": { truncate: true },
  "late": { delay_answer: 2 },
  "500 after the work": { status: 500, processed: true },
};

describe("an answer that was lost leaves one session, and the caller is told", () => {
  for (const [how, fault] of Object.entries(LOST)) {
    for (const used of [401, 409]) {
      test(`with a token: ${how}, then ${used}`, async () => {
        await control("PUT", "/settings", { used_token_status: used });
        await inject({ operation: START, times: 1, ...fault });
        const error = await failure(started(client({ timeoutMs: 500 }), { clientLabel: "web" }));
        assert.ok(error instanceof SessionStartUncertainError, inspect(error));
        assert.deepEqual([error.attempts, error.status], [2, used]);
        const { sessions, tokens } = await happened();
        assert.deepEqual([sessions.length, tokens.length, (await statuses(START))[1]], [1, 1, used]);
      });
    }
    test(`directly: ${how}`, async () => {
      await inject({ operation: START, times: 1, ...fault });
      const error = await failure(client({ timeoutMs: 500 }).startSessionDirect(SAVED));
      assert.deepEqual([error.mayHaveStarted, error.attempts], [true, 1]);
      assert.equal(error instanceof SessionStartUncertainError, fault.status === undefined);
      assert.equal((await happened()).sessions.length, 1);
    });
  }
});

test("a start that was refused or lost before the work is repeated with the same token", async () => {
  const faults = [503, 408, 429].map((status) => ({ status }));
  faults.push({ status: 502, body: "<html>" }, { close: "before" });
  for (const fault of faults) {
    await control("POST", "/reset");
    await inject({ operation: START, times: 2, ...fault });
    const session = await started(client());
    const { sessions, tokens } = await happened();
    assert.deepEqual([sessions.map(({ id }) => id), tokens.length], [[session.sessionId], 1]);
    assert.equal((await statuses(START)).length, 3);
  }
});

test("when every attempt fails the last error is thrown, and says whether a session may run", async () => {
  const kinds = { 500: ["server", true], 503: ["serviceBusy", false] };
  for (const [status, [kind, mayHaveStarted]] of Object.entries(kinds)) {
    await control("POST", "/reset");
    await inject({ operation: START, status: Number(status) });
    const error = await failure(started(client()));
    assert.deepEqual([error.kind, error.mayHaveStarted, error.attempts], [kind, mayHaveStarted, 5]);
  }
});

test("what the server asks for is waited, but not past the deadline", async () => {
  await inject({ operation: MINT, status: 429, headers: { "Retry-After": "1" }, times: 1 });
  const pauses = [];
  const patient = client({ retry: {}, onRetry: (attempt, pauseMs) => pauses.push(pauseMs) });
  await patient.createSessionToken(SAVED);
  const [first, second] = (await happened()).requests.map((seen) => seen.received_at);
  assert.ok(second - first >= 1);
  assert.ok(pauses.length === 1 && pauses[0] >= 1000 && pauses[0] <= 1063, String(pauses));
  await inject({ operation: MINT, status: 429, headers: { "Retry-After": "3600" } });
  const error = await failure(patient.createSessionToken(SAVED));
  assert.deepEqual([error.attempts, error.retryAfterMs], [1, 3_600_000]);
});

test("pauses double, with jitter, up to the longest", async () => {
  await inject({ operation: MINT, status: 503 });
  const pauses = [];
  const retry = { initialBackoffMs: 10, maxBackoffMs: 25 };
  await failure(client({ retry, onRetry: (attempt, pauseMs) => pauses.push(pauseMs) }).createSessionToken(SAVED));
  assert.equal(pauses.length, 4);
  for (const [i, longest] of [10, 20, 25, 25].entries()) assert.ok(pauses[i] <= longest && pauses[i] >= longest * 0.75);
});

test("a call can be given up, while it waits for an answer and while it pauses", async () => {
  for (const fault of [{ delay: 5 }, { status: 503, headers: { "Retry-After": "5" } }]) {
    await inject({ operation: MINT, times: 1, ...fault });
    const reason = new Error("enough");
    const giving = new AbortController();
    setTimeout(() => giving.abort(reason), 100);
    assert.equal(await failure(client({ retry: {} }).createSessionToken(SAVED, {}, { signal: giving.signal })), reason);
  }
});

test("no secret in what is printed, and none for a redirect", async () => {
  const anam = client();
  const token = await anam.createSessionToken(SAVED);
  const all = { showHidden: true, depth: 9 };
  const shown = [token, anam].map((thing) => inspect(thing, all) + JSON.stringify(thing) + `${thing}`).join();
  assert.ok(!shown.includes(token.value) && !shown.includes(KEY));
  await inject({ status: 307, headers: { Location: `${SANDBOX}/elsewhere` } });
  const error = await failure(anam.createSessionToken(SAVED));
  assert.deepEqual([error.kind, error.status], ["unexpectedStatus", 307]);
  assert.ok(!inspect(error).includes(KEY));
  assert.ok((await happened()).requests.every((seen) => seen.path !== "/elsewhere"));
});

test("the example hands out tokens, and no details of a failure", async () => {
  const endpoint = tokenEndpoint(client(), SAVED.personaId);
  const request = new Request("http://web.example/api/session-token", { method: "POST" });
  const good = await endpoint(request);
  assert.equal(good.headers.get("Cache-Control"), "no-store");
  assert.equal(new SessionToken((await good.json()).sessionToken).claims.type, "stateful");
  await inject({ status: 429, headers: { "Retry-After": "40" } });
  const bad = await endpoint(request);
  assert.deepEqual([bad.status, bad.headers.get("Retry-After")], [503, "40"]);
  assert.ok(!(await bad.text()).includes("429"));
});
