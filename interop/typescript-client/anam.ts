// A client for Anam's two calls, mint a session token and start a session; never two sessions for one start. It needs
// `fetch` and nothing else. It has no place in a page: the API key belongs on a server.

import type { components } from "./openapi.js";

type Schemas = components["schemas"];
type Json = Record<string, unknown>;
export type PersonaConfig = Schemas["PersonaConfig"];
export type Setup = Omit<Schemas["SessionTokenRequest"], "personaConfig">;
export type DirectSetup = Omit<Schemas["DirectStartRequest"], "personaConfig">;
export type TokenStart = Schemas["TokenStartRequest"];

// --- What goes in -----------------------------------------------------------------------------------

/** When and how often to try again. */
const POLICY = {
  /** How often a request is sent at most, the first time included; 1 switches retries off. */
  maxAttempts: 5,
  /** First pause; each further one is twice as long, up to the longest. */
  initialBackoffMs: 250,
  maxBackoffMs: 2_000,
  /** What the server asks for is obeyed up to this. */
  maxRetryAfterMs: 30_000,
  /** A call's attempts and pauses together take no longer; a pause that would is not begun. */
  deadlineMs: 30_000,
  /** The share of each pause that is random, from 0 to 1. */
  jitter: 0.25,
};
export type RetryPolicy = typeof POLICY;

export interface ClientOptions {
  apiKey: string;
  baseUrl?: string;
  /** Where to connect to instead, with Anam's own URL in `X-Anam-Target-Url`. */
  gatewayUrl?: string;
  /** Bounds one attempt, from connecting to the last byte. */
  timeoutMs?: number;
  retry?: Partial<RetryPolicy>;
  fetch?: typeof fetch;
  /** Called before each pause, for your log. Nothing in it is secret. */
  onRetry?: (attempt: number, pauseMs: number, error: AnamError) => void;
}

export interface CallOptions {
  /** Gives up the call. Whether a start that is given up has started a session cannot be told. */
  signal?: AbortSignal | undefined;
}

// --- What comes out ---------------------------------------------------------------------------------

/** A session token: starts one session at most. What prints it shows no secret; `value` is the token itself. */
export class SessionToken {
  readonly #value: string;
  /** The token's claims, not verified; empty when they cannot be read. */
  readonly claims: Readonly<Json>;

  constructor(value: string) {
    this.#value = value;
    this.claims = claimsOf(value);
  }

  get value(): string { return this.#value; }
  toString(): string { return "SessionToken(***)"; }
  toJSON(): string { return this.toString(); }
}

export interface EngineSession {
  sessionId: string;
  engineHost: string | null;
  engineProtocol: string | null;
  signallingEndpoint: string | null;
  region: string | null;
  clientConfig: {
    heartbeatIntervalSeconds: number;
    maxWsReconnectionAttempts: number;
    iceServers: { urls: string[]; username: string | null; credential: string | null }[];
    iceTransportPolicy: string | null;
  } | null;
  /** The answer as it came, fields that nobody knows included. Holds TURN passwords. */
  raw: Schemas["EngineSession"];
}

/** What went wrong; the names are those of interop/vectors. */
export type ErrorKind =
  | "badRequest" | "authentication" | "planRequired" | "permissionDenied" | "notFound" | "tokenUsed"
  | "rateLimit" | "concurrencyLimit" | "spendCap" | "serviceBusy" | "server" | "unexpectedStatus"
  | "unusableAnswer" | "answerLost" | "notReached" | "configuration";

const NOTHING = {
  /** HTTP status; null when no answer came. */
  status: null as number | null,
  /** The answer's `error`, `message` and `details`; null when absent. */
  code: null as string | null,
  serverMessage: null as string | null,
  details: null as unknown,
  /** How long the server asks to wait; null when it does not say. */
  retryAfterMs: null as number | null,
};

/** Every error of this client. */
export interface AnamError extends Readonly<typeof NOTHING> {}
export class AnamError extends Error {
  override name = "AnamError";
  attempts = 1;
  /** Whether a session may have been started although the call failed. */
  mayHaveStarted = false;

  constructor(readonly kind: ErrorKind, message: string, facts: Partial<typeof NOTHING> = {}, cause?: unknown) {
    super(message, { cause });
    Object.assign(this, NOTHING, facts);
  }
}

/** A start was sent and its fate is not known: look for the session before you start another. `cause` says why. */
export class SessionStartUncertainError extends AnamError {
  override name = "SessionStartUncertainError";
  override mayHaveStarted = true;

  constructor(override readonly cause: AnamError) {
    super(cause.kind, `a session may have been started: ${cause.message}`, cause);
  }
}

// --- Decisions: no I/O ------------------------------------------------------------------------------

export type Operation = "mint" | "startWithToken" | "startDirect";

/** How likely it is that an attempt which failed has started a session. */
const enum Doubt { None, Fault, Lost }

/** Whether another attempt can help and cannot harm. */
export function isRepeatable(operation: Operation, { kind, status }: AnamError): boolean {
  if (kind === "notReached" || kind === "rateLimit" || kind === "serviceBusy" || status === 408) return true;
  return (kind === "server" || kind === "answerLost") && operation !== "startDirect";
}

function doubtOf(operation: Operation, { kind }: AnamError): Doubt {
  if (operation === "mint") return Doubt.None;
  if (kind === "server") return Doubt.Fault;
  return kind === "answerLost" || kind === "unusableAnswer" ? Doubt.Lost : Doubt.None;
}

function decide(
  operation: Operation, attempt: number, before: Doubt, elapsedMs: number, error: AnamError, policy: RetryPolicy,
): { pauseMs: number } | { uncertain: boolean; mayHaveStarted: boolean } {
  if (isRepeatable(operation, error) && attempt < policy.maxAttempts) {
    const pauseMs = pauseAfter(attempt, error, policy);
    // An attempt with no time to be answered would turn a plain refusal into an uncertain start.
    const least = Math.min(1_000, policy.deadlineMs / 10);
    if (elapsedMs + pauseMs + least <= policy.deadlineMs) return { pauseMs };
  }
  const now = Math.max(before, doubtOf(operation, error));
  switch (error.kind) {
    case "authentication":
    case "tokenUsed":
      return { uncertain: before > Doubt.None, mayHaveStarted: false }; // the first try probably used the token up
    case "badRequest": case "planRequired": case "permissionDenied": case "notFound": case "unexpectedStatus":
      return { uncertain: false, mayHaveStarted: before > Doubt.None };
    default:
      return { uncertain: now === Doubt.Lost, mayHaveStarted: now === Doubt.Fault };
  }
}

function pauseAfter(attempt: number, { retryAfterMs }: AnamError, policy: RetryPolicy): number {
  const random = policy.jitter * Math.random();
  if (retryAfterMs === null) {
    return Math.min(policy.maxBackoffMs, policy.initialBackoffMs * 2 ** (attempt - 1)) * (1 - random);
  }
  // Never earlier than asked, nor at once; a little later, lest all who were told the same second come back in it.
  const asked = Math.min(retryAfterMs, policy.maxRetryAfterMs);
  return Math.max(asked, policy.initialBackoffMs) + policy.initialBackoffMs * random;
}

const KINDS: Record<number, ErrorKind> = {
  400: "badRequest", 401: "authentication", 402: "planRequired", 403: "permissionDenied", 404: "notFound",
  409: "tokenUsed", 503: "serviceBusy",
};

function kindOf(status: number, code: string | null): ErrorKind {
  if (status !== 429) return KINDS[status] ?? (status >= 500 ? "server" : "unexpectedStatus");
  if (code === "Concurrent session limit reached") return "concurrencyLimit";
  return code === "Spend cap reached" ? "spendCap" : "rateLimit";
}

/** What the server asks to wait, or null: `Retry-After`, else the end of the window that is used up. */
function retryAfter(headers: Headers): number | null {
  const value = headers.get("Retry-After") ?? "";
  const asked = milliseconds(value);
  if (asked !== null) return asked;
  const when = httpDate(value);
  // Against the response's own date, so that a wrong clock on this side does no harm.
  if (when !== null) return Math.max(0, when - (httpDate(headers.get("Date")) ?? Date.now()));
  const hourly = "X-RateLimit-Org-Hour-";
  if (headers.get(`${hourly}Remaining`) === "0") return milliseconds(headers.get(`${hourly}Reset`));
  return (headers.get("RateLimit-Remaining") ?? "0") === "0" ? milliseconds(headers.get("RateLimit-Reset")) : null;
}

function milliseconds(seconds: string | null): number | null {
  return seconds !== null && /^\d{1,15}(\.\d{1,9})?$/.test(seconds) ? Number(seconds) * 1_000 : null;
}

function httpDate(text: string | null): number | null {
  const time = text?.endsWith("GMT") ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? null : time;
}

function claimsOf(token: string): Json {
  try {
    const payload = atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/"));
    return record(JSON.parse(new TextDecoder().decode(Uint8Array.from(payload, (char) => char.charCodeAt(0))))) ?? {};
  } catch {
    return {};
  }
}

function record(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

const join = (base: string, path: string): string => base.replace(/\/+$/, "") + path;

const text = (value: unknown): string | null => (typeof value === "string" ? value : null);

function sessionOf(raw: Json): EngineSession {
  const config = record(raw.clientConfig);
  const servers = Array.isArray(config?.iceServers) ? config.iceServers.map(record) : [];
  return {
    sessionId: raw.sessionId as string,
    engineHost: text(raw.engineHost),
    engineProtocol: text(raw.engineProtocol),
    signallingEndpoint: text(raw.signallingEndpoint),
    region: text(raw.region),
    clientConfig: config && {
      heartbeatIntervalSeconds: Number(config.heartbeatIntervalSeconds ?? 5),
      maxWsReconnectionAttempts: Number(config.maxWsReconnectionAttempts ?? 5),
      iceServers: servers.flatMap((server) => server ? [{
        urls: [server.urls ?? []].flat() as string[],
        username: text(server.username),
        credential: text(server.credential),
      }] : []),
      iceTransportPolicy: text(config.iceTransportPolicy),
    },
    raw: raw as Schemas["EngineSession"],
  };
}

/** Whether a failed `fetch` certainly sent nothing. Where it cannot be told, as in a browser: no. */
function neverSent(error: unknown): boolean {
  const { cause } = error as { cause?: { syscall?: string; code?: string; errors?: unknown[] } };
  if (Array.isArray(cause?.errors)) return cause.errors.every((each) => neverSent({ cause: each }));
  return ["connect", "getaddrinfo"].includes(cause?.syscall ?? "")
    || /^(UND_ERR_CONNECT_TIMEOUT|ERR_TLS_CERT|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_)/.test(cause?.code ?? "");
}

// --- The client -------------------------------------------------------------------------------------

// Path, and what an answer must have.
const MINT = ["/v1/auth/session-token", "sessionToken"] as const;
const START = ["/v1/engine/session", "sessionId"] as const;

export class AnamClient {
  readonly #options: ClientOptions & { baseUrl: string; timeoutMs: number; fetch: typeof fetch };
  readonly #policy: RetryPolicy;

  constructor(options: ClientOptions) {
    if (!options.apiKey) throw new AnamError("configuration", "apiKey must not be empty");
    const defaults = { baseUrl: "https://api.anam.ai", timeoutMs: 10_000, fetch: globalThis.fetch };
    this.#options = { ...defaults, ...options };
    this.#policy = { ...POLICY, ...options.retry };
  }

  /** Mints a token bound to a persona. Starts and bills nothing. */
  async createSessionToken(
    personaConfig: PersonaConfig, setup: Setup = {}, { signal }: CallOptions = {},
  ): Promise<SessionToken> {
    const answer = await this.#call("mint", this.#options.apiKey, { personaConfig, ...setup }, signal);
    return new SessionToken(answer.sessionToken as string);
  }

  /** Starts the one session that a token can start. It is repeated with the same token, never with another. */
  async startEngineSession(
    token: SessionToken, body: TokenStart = {}, { signal }: CallOptions = {},
  ): Promise<EngineSession> {
    if (token.claims.type === "legacy") {
      throw new AnamError("configuration", "a token of type legacy starts no session: it was minted without a persona");
    }
    return sessionOf(await this.#call("startWithToken", token.value, body, signal));
  }

  /** Starts a session in one call, which is repeated only when it certainly started nothing; a token's is safer. */
  async startSessionDirect(
    personaConfig: PersonaConfig, setup: DirectSetup = {}, { signal }: CallOptions = {},
  ): Promise<EngineSession> {
    return sessionOf(await this.#call("startDirect", this.#options.apiKey, { personaConfig, ...setup }, signal));
  }

  async #call(operation: Operation, bearer: string, body: object, signal: AbortSignal | undefined): Promise<Json> {
    const [path, wanted] = operation === "mint" ? MINT : START;
    const began = performance.now();
    let doubt = Doubt.None;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(path, bearer, body, wanted, signal);
      } catch (error) {
        if (!(error instanceof AnamError)) throw error;
        error.attempts = attempt;
        const decision = decide(operation, attempt, doubt, performance.now() - began, error, this.#policy);
        if (!("pauseMs" in decision)) {
          error.mayHaveStarted = decision.mayHaveStarted;
          throw decision.uncertain ? new SessionStartUncertainError(error) : error;
        }
        doubt = Math.max(doubt, doubtOf(operation, error));
        this.#options.onRetry?.(attempt, decision.pauseMs, error);
        await pause(decision.pauseMs, signal);
      }
    }
  }

  /** One request. Throws an `AnamError`, or what the caller's signal was aborted with. */
  async #attempt(
    path: string, bearer: string, body: object, wanted: string, signal: AbortSignal | undefined,
  ): Promise<Json> {
    const { baseUrl, gatewayUrl, timeoutMs, fetch } = this.#options;
    const headers: Record<string, string> = { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" };
    if (gatewayUrl) headers["X-Anam-Target-Url"] = join(baseUrl, path);
    const limits = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
    let response: Response;
    let content = "";
    try {
      // A redirect would send the credential to whoever is named in it.
      response = await fetch(join(gatewayUrl ?? baseUrl, path), {
        method: "POST", headers, body: JSON.stringify(body), redirect: "manual", signal: AbortSignal.any(limits),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      const kind = neverSent(cause) ? "notReached" : "answerLost";
      throw new AnamError(kind, `POST ${path}: ${kind === "notReached" ? "not reached" : "no answer"}`, {}, cause);
    }
    try {
      content = await response.text();
    } catch (cause) {
      signal?.throwIfAborted();
      if (response.ok) throw new AnamError("answerLost", `POST ${path}: the answer broke off`, {}, cause);
    }
    let answer: Json | null = null;
    try {
      answer = record(JSON.parse(content));
    } catch { /* a page of a proxy, for instance; told below */ }
    if (response.ok) {
      if (answer !== null && text(answer[wanted])) return answer;
      const status = response.status;
      throw new AnamError("unusableAnswer", `POST ${path}: ${status}, but no ${wanted} in the answer`, { status });
    }
    const [code, serverMessage] = [text(answer?.error), text(answer?.message)];
    const words = [response.status, code, serverMessage].filter((part) => part !== null).join(" ");
    throw new AnamError(kindOf(response.status, code), `POST ${path}: ${words}`, {
      status: response.status, code, serverMessage, details: answer?.details ?? null,
      retryAfterMs: retryAfter(response.headers),
    });
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => (clearTimeout(timer), reject(signal?.reason));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", stop), resolve()), ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
