import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { FaultRule } from "../support/proxy.ts";
import { startTokenService } from "../support/token-service.ts";
import {
  type ClipMount,
  dropKernelCaches,
  finish,
  logOf,
  sha256Of,
  until,
  whyNotReal,
} from "./support/clip.ts";
import { blobRanges, type RegistryImage, serveImage } from "./support/registry-image.ts";

setDefaultTimeout(180_000);

const reason = whyNotReal();
const lib = "usr/lib/x86_64-linux-gnu";
/** Files of one layer, far from each other. */
const [icui18n, gfortran, sqlite, python] = [
  `${lib}/libicui18n.so.72.1`,
  `${lib}/libgfortran.so.5.0.0`,
  `${lib}/libsqlite3.so.0.8.6`,
  "usr/bin/python3.11",
];
/** The longest that a reader may wait for an error while the origin does not answer. */
const boundMs = 60_000;

describe.skipIf(reason !== undefined)(`offline${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let image: RegistryImage;
  const truth = new Map<string, string>();
  beforeAll(async () => {
    image = await serveImage("a");
    const mounted = await mountFresh();
    for (const path of [icui18n, gfortran, sqlite, python]) {
      truth.set(path, await sha256Of(join(mounted.directory, path)));
    }
    await image.clip.umount(mounted);
  });
  afterAll(() => image?.release());

  /** With a cache of its own. */
  function mountFresh(reference = image.reference, ...flags: string[]): Promise<ClipMount> {
    const cache = image.clip.newCache();
    const origin = ["--origin", reference, "--insecure", "--cache-dir", cache];
    return image.clip.mount(image.archive, ...origin, ...flags);
  }

  const reads = async ({ directory }: ClipMount, path: string): Promise<void> => {
    expect(await sha256Of(join(directory, path))).toBe(truth.get(path)!);
  };

  test("what was read can be read again without the registry, what was not when it is back", async () => {
    const mounted = await mountFresh(image.registryReference);
    const cold = join(mounted.directory, gfortran);
    await reads(mounted, python);
    await image.stopRegistry();
    await reads(mounted, python);
    await dropKernelCaches();
    await reads(mounted, python);

    const refused = await finish(["cat", cold]);
    console.log(`registry stopped: EIO after ${Math.round(refused.durationMs)} ms`);
    expect(refused.stderr).toContain("Input/output error");
    expect(refused.durationMs).toBeLessThan(boundMs);
    expect(logOf(mounted)).toContain("UNREACHABLE");
    await reads(mounted, python);

    await image.startRegistry();
    await reads(mounted, gfortran);
    await image.clip.umount(mounted);
  });

  const dead: readonly (readonly [string, FaultRule])[] = [
    ["never answers", { kind: "silence", path: /\/blobs\// }],
    ["drips", { kind: "slow", pieceBytes: 1, pauseMs: 5000, path: /\/blobs\// }],
  ];
  test("registries that never answer or drip: EIO in bounded time, and readers can be killed meanwhile", async () => {
    // At once, since each takes as long as a reader has to wait.
    await Promise.all(dead.map(([name, fault]) => outlast(name, fault)));
  });

  async function outlast(name: string, fault: FaultRule): Promise<void> {
    const { proxy, reference } = await image.proxied();
    try {
      const mounted = await mountFresh(reference);
      proxy.faults.push(fault);
      const killed = Bun.spawn(["cat", join(mounted.directory, gfortran)], {
        ...{ stdout: "ignore", stderr: "ignore" },
      });
      await until("the reader's request", () => proxy.log.length > 0);
      const started = performance.now();
      killed.kill("SIGKILL");
      await killed.exited;
      expect(performance.now() - started).toBeLessThan(2000);

      const refused = await finish(["cat", join(mounted.directory, sqlite)]);
      console.log(`registry ${name}: EIO after ${Math.round(refused.durationMs)} ms`);
      expect(refused.stderr).toContain("Input/output error");
      expect(refused.durationMs).toBeLessThan(boundMs);
      expect(logOf(mounted)).toContain("TIMEOUT");
      proxy.reset();
      await reads(mounted, sqlite);
      await reads(mounted, gfortran);
      await image.clip.umount(mounted);
    } finally {
      await proxy.stop();
    }
  }

  const faults: readonly (readonly [string, readonly FaultRule[]])[] = [
    ["503 for a while", [{ kind: "answer", answer: { status: 503 }, path: /\/blobs\//, times: 3 }]],
    [
      "429 with Retry-After",
      [
        {
          kind: "answer",
          answer: { status: 429, headers: { "retry-after": "1" } },
          path: /\/blobs\//,
          times: 2,
        },
      ],
    ],
    [
      "bodies cut in the middle",
      [{ kind: "cut", afterBytes: 30_000, path: /\/blobs\//, times: 3 }],
    ],
    ["connections that break", [{ kind: "hangup", path: /\/blobs\//, times: 2 }]],
    ["a slow body", [{ kind: "slow", pieceBytes: 8192, pauseMs: 40, path: /\/blobs\//, times: 2 }]],
    ["a body that stalls", [{ kind: "stall", afterBytes: 30_000, path: /\/blobs\//, times: 1 }]],
  ];
  for (const [name, rules] of faults) {
    test(`readers see nothing of ${name}`, async () => {
      const mounted = await mountFresh();
      image.proxy.reset();
      const mine = rules.map((rule) => ({ ...rule }));
      image.proxy.faults.push(...mine);
      await reads(mounted, icui18n);
      expect(mine.map(({ times }) => times)).toEqual(mine.map(() => 0));
      image.proxy.reset();
      await image.clip.umount(mounted);
    });
  }

  test("a body that was cut goes on where it broke", async () => {
    const mounted = await mountFresh();
    image.proxy.reset();
    image.proxy.faults.push({
      kind: "cut",
      afterBytes: 100_000,
      pauseMs: 200,
      path: /\/blobs\//,
      times: 1,
    });
    await reads(mounted, sqlite);
    const ranges = blobRanges(image.proxy);
    const goesOn = ranges.some(({ from, to }, i) =>
      ranges.slice(0, i).some((cut) => cut.to === to && cut.from < from),
    );
    expect(goesOn).toBe(true);
    await image.clip.umount(mounted);
  });

  test("a token that expires in a mount's life is renewed", async () => {
    const tokens = await startTokenService();
    const guarded = await image.proxied(tokens.guard);
    try {
      const mounted = await mountFresh(guarded.reference);
      await reads(mounted, sqlite);
      expect(tokens.issued.length).toBe(1);
      tokens.revokeAll();
      await reads(mounted, gfortran);
      expect(tokens.issued.length).toBe(2);
      await image.clip.umount(mounted);
    } finally {
      await guarded.proxy.stop();
      await tokens.server.stop();
    }
  });
});
