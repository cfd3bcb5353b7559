import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type ClipMount, dropKernelCaches, finish, sha256Of, whyNotReal } from "./support/clip.ts";
import { blobTraffic, type RegistryImage, serveImage } from "./support/registry-image.ts";

setDefaultTimeout(120_000);

const reason = whyNotReal();

describe.skipIf(reason !== undefined)(`laziness${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let image: RegistryImage;
  let cache: string;
  beforeAll(async () => {
    image = await serveImage("a");
    cache = image.clip.newCache();
  });
  afterAll(() => image?.release());

  const mount = (): Promise<ClipMount> => image.clip.mount(image.archive, "--cache-dir", cache);

  const importNumpy = async ({ directory }: ClipMount): Promise<void> => {
    const code = 'import numpy, flask; print("imported")';
    const { stdout, stderr } = await finish(["chroot", directory, "python3", "-c", code]);
    expect({ stdout, stderr }).toEqual({ stdout: "imported\n", stderr: "" });
  };

  test("mounting and walking the whole tree fetch nothing", async () => {
    const mounted = await mount();
    const { exitCode, stdout } = await finish(["find", mounted.directory, "-ls"]);
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").length).toBeGreaterThan(10_000);
    expect(image.proxy.counters.requests).toBe(0);
    await image.clip.umount(mounted);
  });

  test("python3 with numpy and flask fetches at most a quarter of the image", async () => {
    image.proxy.reset();
    const mounted = await mount();
    await importNumpy(mounted);
    const { requests, bytes } = blobTraffic(image.proxy);
    const whole = image.layers.reduce((sum, { size }) => sum + size, 0);
    const share = bytes / whole;
    console.log(
      `import numpy, flask: ${bytes} of ${whole} bytes (${(share * 100).toFixed(1)} %) in ${requests} requests`,
    );
    expect(share).toBeGreaterThan(0.01);
    expect(share).toBeLessThanOrEqual(0.25);

    image.proxy.reset();
    await dropKernelCaches();
    await importNumpy(mounted);
    expect(image.proxy.counters.requests).toBe(0);
    await image.clip.umount(mounted);
  });

  test("a second mount's run fetches nothing", async () => {
    image.proxy.reset();
    await dropKernelCaches();
    const mounted = await mount();
    await importNumpy(mounted);
    expect(image.proxy.counters).toEqual({ requests: 0, bytes: 0 });
    await image.clip.umount(mounted);
  });

  test("clip cat fetches only the file's part of its layer, as a mount's reader does", async () => {
    const path = "usr/lib/x86_64-linux-gnu/libgfortran.so.5.0.0";
    const mounted = await image.clip.mount(image.archive, "--cache-dir", image.clip.newCache());
    const wanted = await sha256Of(join(mounted.directory, path));
    await image.clip.umount(mounted);
    image.proxy.reset();
    const shell = '"$0" cat "$1" "$2" --cache-dir "$3" | sha256sum';
    const { path: program, env, newCache } = image.clip;
    const { stdout } = await finish(
      ["sh", "-c", shell, program, image.archive, `/${path}`, newCache()],
      env,
    );
    expect(stdout.slice(0, 64)).toBe(wanted);
    // 2.9 MB of tar bytes, of which less than half are left when compressed, and a span before them.
    expect(blobTraffic(image.proxy).bytes).toBeLessThan(2_500_000);
  });
});
