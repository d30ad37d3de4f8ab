// What the tests of the sandbox's pages share: a page in a profile of its own that keeps what it saw, and how it is judged.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before } from "node:test";

import { axe, launched } from "./chromium.mjs";

export const { SANDBOX } = process.env;
export const DESK = { width: 1280, height: 900 };
export const PHONE = { width: 400, height: 800 };
const { SCREENSHOTS } = process.env;
let browser;

before(async () => (browser = await launched()));
after(() => browser?.close());

// Opens the page in a profile of its own, and keeps everything that it asked for and complained of.
export async function opened({ url, viewport = DESK, colorScheme = "light", ...more } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, ...more });
  const page = await context.newPage();
  const seen = { requests: [], console: [], violations: [] };
  page.on("console", (message) => seen.console.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.console.push(`error: ${error.message}`));
  page.on("requestfailed", (request) => seen.console.push(`failed: ${request.url()}`));
  await page.exposeFunction("noteViolation", (directive) => seen.violations.push(directive));
  await page.addInitScript(() =>
    document.addEventListener("securitypolicyviolation", (event) => window.noteViolation(event.effectiveDirective)),
  );
  // Playwright's own events leave out data: addresses; the browser's do not.
  const protocol = await context.newCDPSession(page);
  await protocol.send("Network.enable");
  protocol.on("Network.requestWillBeSent", ({ request }) => seen.requests.push(request.url));
  const response = await page.goto(url, { waitUntil: "load" });
  assert.equal(response.status(), 200);
  return { page, seen, close: () => context.close() };
}

export async function picture(page, name, options = {}) {
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), ...options });
}

// What axe finds; to be used on a page that was opened with bypassCSP, for the checker is a script.
export async function accessibility(page) {
  await page.addScriptTag({ content: axe });
  const { violations, passes } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`),
    [],
  );
  assert.ok(passes.some(({ id }) => id === "color-contrast"));
}

// Background and ink of a page, each "light" or "dark".
export const shades = (page) =>
  page.evaluate(() => {
    const { backgroundColor, color } = getComputedStyle(document.body);
    const shade = (text) => (Math.max(...text.match(/\d+/g).slice(0, 3).map(Number)) < 128 ? "dark" : "light");
    return [shade(backgroundColor), shade(color)];
  });
