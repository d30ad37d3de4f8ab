// Writes bodies.ts: the shared bodies as TypeScript, for the compiler to compare with the generated types.

import { readFileSync, writeFileSync } from "node:fs";

const bodies = readFileSync(process.env.ANAM_VECTORS, "utf-8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
const entry = ({ name, schema, body }) =>
  `  { name: ${JSON.stringify(name)}, result: as<Schemas["${schema}"]>()(${JSON.stringify(body)}) },\n`;
// Inferred, then compared: a literal compared directly may have no field that its type does not know, which answers may.
writeFileSync(
  "bodies.ts",
  `import type { components } from "./anam.js";
type Schemas = components["schemas"];
const as = <T>() => <B extends T>(body: B): T => body;
export const shared = [
${bodies.map(entry).join("")}];
`,
);
