// What the browser tests share: a page in a profile of its own that keeps what it saw, and how it is judged.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const require = createRequire(new URL("../../tools/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const SANDBOX = process.env.ANAM_API_URL;
export const DESK = { width: 1280, height: 900 };
export const PHONE = { width: 400, height: 800 };
const NARROW = { width: 320, height: 640 };
const { SCREENSHOTS } = process.env;
let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-fake-device-for-media-stream",
      "--autoplay-policy=no-user-gesture-required",
      // No name is looked up: whatever the page or the browser wanted from elsewhere fails, and is seen to.
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });
});
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
  // The tests of another page may be playing an outage of the sandbox.
  const visit = async (tries = 100) => {
    try {
      return await page.goto(url, { waitUntil: "load" });
    } catch (error) {
      if (!tries) throw error;
      seen.console.length = 0;
      await sleep(50);
      return visit(tries - 1);
    }
  };
  assert.equal((await visit()).status(), 200);
  return { page, seen, visit, close: () => context.close() };
}

export async function picture(page, name, options = {}) {
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), ...options });
}

export async function until(condition) {
  for (let i = 0; i < 100; i++) {
    if (await condition()) return;
    await sleep(50);
  }
  assert.fail("it did not happen in time");
}

// Nothing was asked for but what lies at an address, and nobody complained.
export function assertKeptToItself({ requests, console, violations }, address) {
  assert.ok(requests.some((url) => url.startsWith(address)));
  assert.deepEqual(requests.filter((url) => !url.startsWith(address) && !url.startsWith("data:image/svg+xml,")), []);
  assert.deepEqual([console, violations], [[], []]);
}

// The page as people see it who need it otherwise: by night, on a phone, on a narrow one, and who do not see it.
export const VIEWS = [
  ["light", DESK],
  ["dark", DESK],
  ["dark", PHONE],
  ["light", NARROW],
].map(([colorScheme, viewport]) => ({ colorScheme, viewport, name: `${colorScheme}, ${viewport.width} px` }));

// The checker is a script, so that a page with a policy is opened with bypassCSP.
export async function assertForEveryone(page, { colorScheme, viewport }) {
  const [paper, ink] = await page.evaluate(() => {
    const { backgroundColor, color } = getComputedStyle(document.body);
    const shade = (text) => (Math.max(...text.match(/\d+/g).slice(0, 3).map(Number)) < 128 ? "dark" : "light");
    return [shade(backgroundColor), shade(color)];
  });
  assert.deepEqual([paper, ink], colorScheme === "dark" ? ["dark", "light"] : ["light", "dark"]);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), viewport.width);
  await page.addScriptTag({ content: axe });
  const { violations, passes } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), []);
  assert.ok(passes.some(({ id }) => id === "color-contrast"));
}
