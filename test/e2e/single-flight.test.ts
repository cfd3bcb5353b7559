import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type ClipMount, dropKernelCaches, sha256Of, whyNotReal } from "./support/clip.ts";
import {
  blobTraffic,
  bytesAskedTwice,
  type RegistryImage,
  serveImage,
} from "./support/registry-image.ts";

setDefaultTimeout(120_000);

const reason = whyNotReal();

/** Within one read of the kernel; and of many reads, of which the kernel sends several at once. */
const small = "usr/lib/python3/dist-packages/flask/config.py";
const large = "usr/lib/x86_64-linux-gnu/libgfortran.so.5.0.0";

describe.skipIf(reason !== undefined)(
  `single flight${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let image: RegistryImage;
    beforeAll(async () => {
      image = await serveImage("a");
    });
    afterAll(() => image?.release());

    /** Reads `path` in each of the mounts at once, and gives the one sha256 of all. */
    async function readAtOnce(mounts: readonly ClipMount[], path: string): Promise<string> {
      image.proxy.reset();
      await dropKernelCaches();
      // On loopback a fetch would be over before the second reader has begun.
      image.proxy.faults.push({ kind: "slow", pieceBytes: 65_536, pauseMs: 50, path: /\/blobs\// });
      const digests = await Promise.all(
        mounts.map(({ directory }) => sha256Of(join(directory, path))),
      );
      expect(new Set(digests).size).toBe(1);
      return digests[0]!;
    }

    /** `count` mounts of the archive over one cache that nobody has used. */
    function mountFresh(count: number): Promise<ClipMount[]> {
      const cache = image.clip.newCache();
      return Promise.all(
        Array.from({ length: count }, () => image.clip.mount(image.archive, "--cache-dir", cache)),
      );
    }

    const ways: readonly (readonly [string, number, number])[] = [
      ["two processes on one mount", 1, 2],
      ["two mounts with one cache", 2, 1],
      ["three mounts with one cache, two processes on each", 3, 2],
    ];
    for (const [name, mountCount, readers] of ways) {
      test(`${name} fetch a cold file once`, async () => {
        const alone = await mountFresh(1);
        const digest = await readAtOnce(alone, small);
        expect(digest).toHaveLength(64);
        const traffic = blobTraffic(image.proxy);
        expect(traffic.requests).toBe(1);
        await image.clip.umount(alone[0]!);

        const mounts = await mountFresh(mountCount);
        const all = mounts.flatMap((mount) => Array.from({ length: readers }, () => mount));
        expect(await readAtOnce(all, small)).toBe(digest);
        expect(blobTraffic(image.proxy)).toEqual(traffic);

        await readAtOnce(all, large);
        expect(blobTraffic(image.proxy).requests).toBeGreaterThan(1);
        expect(bytesAskedTwice(image.proxy)).toBe(0);
        for (const mount of mounts) await image.clip.umount(mount);
      });
    }
  },
);
