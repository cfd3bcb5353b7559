/** A process of its own that reads from a layer: arguments are a JSON object; it prints the sha256 of what it read. */
import { openContent } from "../../src/content/content.ts";
import { layerOf, text, wholeLayers } from "./layers.ts";

interface Task {
  readonly url: string;
  readonly cacheDirectory: string;
  readonly offset: number;
  readonly length: number;
  readonly tarSize: number;
  readonly seed: number;
}

const task = JSON.parse(process.argv[2]!) as Task;
const layer = await layerOf("gzip", text(task.seed, task.tarSize));
const content = openContent({
  index: wholeLayers([layer]),
  layers: [layer.map],
  blobs: [
    {
      digest: layer.map.digest,
      size: layer.stored.length,
      async *read(offset: number, length: number) {
        const range = `bytes=${offset}-${offset + length - 1}`;
        const response = await fetch(task.url, { headers: { range } });
        yield* response.body as unknown as AsyncIterable<Uint8Array>;
      },
    },
  ],
  cacheDirectory: task.cacheDirectory,
});
process.stdout.write("ready\n");
await Bun.stdin.text();
const bytes = await content.read(1, task.offset, task.length);
await content.close();
process.stdout.write(new Bun.CryptoHasher("sha256").update(bytes).digest("hex"));
