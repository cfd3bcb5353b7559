import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { clipMounts } from "../../src/mount/mount-table.ts";
import { type ClipMount, finish, isProgram, sha256Of, until, whyNotReal } from "./support/clip.ts";
import { type RegistryImage, serveImage } from "./support/registry-image.ts";

setDefaultTimeout(120_000);

const reason = whyNotReal();
const cold = "usr/lib/x86_64-linux-gnu/libgfortran.so.5.0.0";

describe.skipIf(reason !== undefined)(
  `how mounts end${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let image: RegistryImage;
    let truth: string;
    beforeAll(async () => {
      image = await serveImage("a");
      const mounted = await mountFresh();
      truth = await sha256Of(join(mounted.directory, cold));
      await image.clip.umount(mounted);
    });
    afterAll(() => image?.release());

    const mountFresh = (cache = image.clip.newCache()): Promise<ClipMount> =>
      image.clip.mount(image.archive, "--cache-dir", cache);
    const isMounted = (directory: string): boolean =>
      clipMounts().some(({ mountPoint }) => mountPoint === directory);
    const lives = ({ pid }: ClipMount): boolean => isProgram(pid, image.clip.path);

    /** A reader of a cold file whose bytes are on the way, slowly. */
    async function readSlowly(
      directory: string,
    ): Promise<Bun.Subprocess<"ignore", "pipe", "pipe">> {
      image.proxy.reset();
      image.proxy.faults.push({ kind: "slow", pieceBytes: 16_384, pauseMs: 30, path: /\/blobs\// });
      const reader = Bun.spawn(["sha256sum", join(directory, cold)], {
        ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
      });
      await until("the reader's request", () => image.proxy.log.length > 0);
      return reader;
    }

    async function leavesNothing(directory: string): Promise<void> {
      expect(isMounted(directory)).toBe(false);
      expect((await image.clip.run("ps", "--json")).stdout).toBe("");
      expect(readdirSync(join(image.clip.env.XDG_RUNTIME_DIR!, "clip"))).toEqual([]);
    }

    test("a killed server: readers get an error, ps forgets it, umount cleans up", async () => {
      const cache = image.clip.newCache();
      const { directory, pid } = await mountFresh(cache);
      const reader = await readSlowly(directory);
      process.kill(pid, "SIGKILL");
      const started = performance.now();
      expect(await reader.exited).not.toBe(0);
      const later = await finish(["cat", join(directory, "etc/debian_version")]);
      expect(performance.now() - started).toBeLessThan(5000);
      expect(later.stderr).toContain("Transport endpoint is not connected");
      expect((await image.clip.run("ps", "--json")).stdout).toBe("");
      await image.clip.run("umount", directory);
      await leavesNothing(directory);

      // And the place can be used again, with what the killed server had cached.
      await image.clip.run("mount", image.archive, directory, "--detach", "--cache-dir", cache);
      expect(await sha256Of(join(directory, cold))).toBe(truth);
      await image.clip.run("umount", directory);
      await leavesNothing(directory);
    });

    test("SIGTERM with a read in flight: the place is free at once, the reader gets its bytes", async () => {
      const mounted = await mountFresh();
      const reader = await readSlowly(mounted.directory);
      process.kill(mounted.pid, "SIGTERM");
      await until("the unmount", () => !isMounted(mounted.directory), 3000);
      expect((await reader.stdout.text()).slice(0, 64)).toBe(truth);
      await until("the server's end", () => !lives(mounted), 5000);
      await leavesNothing(mounted.directory);
    });

    test("SIGTERM while the origin is silent: the place is free at once, the server ends with the reader", async () => {
      const mounted = await mountFresh();
      image.proxy.reset();
      image.proxy.faults.push({ kind: "silence", path: /\/blobs\// });
      const reader = Bun.spawn(["cat", join(mounted.directory, cold)], {
        ...{ stdin: "ignore", stdout: "ignore", stderr: "ignore" },
      });
      await until("the reader's request", () => image.proxy.log.length > 0);
      process.kill(mounted.pid, "SIGTERM");
      await until("the unmount", () => !isMounted(mounted.directory), 3000);
      reader.kill("SIGKILL");
      await reader.exited;
      await until("the server's end", () => !lives(mounted), 5000);
      await leavesNothing(mounted.directory);
    });

    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      test(`${signal} ends a mount in the foreground, reads in flight or not`, async () => {
        const { clip, archive } = image;
        for (const reading of [false, true]) {
          const directory = join(clip.directory, `foreground-${signal}-${reading}`);
          mkdirSync(directory);
          const server = Bun.spawn(
            [clip.path, "mount", archive, directory, "--cache-dir", clip.newCache()],
            { env: { ...clip.env }, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
          );
          await until("the mount", () => isMounted(directory));
          const reader = reading ? await readSlowly(directory) : undefined;
          await until("its entry in ps", () =>
            readdirSync(join(clip.env.XDG_RUNTIME_DIR!, "clip")).some((name) =>
              name.endsWith(".json"),
            ),
          );
          server.kill(signal);
          if (reader) expect((await reader.stdout.text()).slice(0, 64)).toBe(truth);
          expect(await server.exited).toBe(0);
          expect(await server.stderr.text()).toContain("unmounted");
          await leavesNothing(directory);
        }
      });
    }

    test("umount of a mount in use is refused, with --force it is detached at once", async () => {
      const mounted = await mountFresh();
      const { directory } = mounted;
      const user = Bun.spawn(["sleep", "60"], { cwd: join(directory, "etc") });
      const refused = await finish([image.clip.path, "umount", directory], image.clip.env);
      expect(refused.exitCode).not.toBe(0);
      expect(refused.stderr).toContain("MOUNT_BUSY");
      await image.clip.run("umount", "--force", directory);
      expect(isMounted(directory)).toBe(false);
      user.kill();
      await user.exited;
      await until("the server's end", () => !lives(mounted), 5000);
      await leavesNothing(directory);
    });
  },
);
