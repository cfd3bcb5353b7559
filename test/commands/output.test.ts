import { expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";

const outputFile = join(import.meta.dir, "../../src/commands/output.ts");

test("a remark that a full disk does not take ends nothing", async () => {
  const full = openSync("/dev/full", "w");
  try {
    const program = `const { createOutput } = await import(${JSON.stringify(outputFile)});
      const output = createOutput({});
      output.note("a read failed");
      output.line("goes on");`;
    const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: full });
    expect(await new Response(child.stdout).text()).toBe("goes on\n");
    expect(await child.exited).toBe(0);
  } finally {
    closeSync(full);
  }
});
