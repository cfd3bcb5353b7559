import { deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { gzipMembers, pipe, sampleBytes } from "./samples.ts";

/** Compressed layers of every shape, with what they decompress to. Made when first asked for. */
export interface Sample {
  readonly raw: Uint8Array;
  readonly blob: Uint8Array;
}

const big = sampleBytes(5_000_000, 11);
const zeros = new Uint8Array(12_000_000);

function zstdFrames(raw: Uint8Array, frameSize: number): Uint8Array {
  const skippable = Buffer.alloc(8 + 70_000);
  skippable.writeUInt32LE(0x184d2a50, 0);
  skippable.writeUInt32LE(70_000, 4);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < raw.length; at += frameSize) {
    frames.push(zstdCompressSync(raw.subarray(at, at + frameSize)));
    if (frames.length === 3) frames.push(skippable);
  }
  return Buffer.concat([...frames, skippable]);
}

const python = (script: string): Uint8Array => pipe(big, ["python3", "-c", script]);

const makers: Record<string, () => Sample> = {
  "gzip -1": () => ({ raw: big, blob: pipe(big, ["gzip", "-1"]) }),
  "gzip -6": () => ({ raw: big, blob: pipe(big, ["gzip", "-6"]) }),
  "gzip -9": () => ({ raw: big, blob: pipe(big, ["gzip", "-9"]) }),
  pigz: () => ({ raw: big, blob: pipe(big, ["pigz", "-c"]) }),
  "pigz -i (blocks that depend on nothing)": () => ({
    raw: big,
    blob: pipe(big, ["pigz", "-i", "-c"]),
  }),
  "stored blocks": () => ({ raw: big, blob: gzipSync(big, { level: 0 }) }),
  "zeros, blocks of 8 MB": () => ({ raw: zeros, blob: gzipSync(zeros) }),
  "full flushes, by python": () => ({
    raw: big,
    blob: python(`
import sys, zlib
data = sys.stdin.buffer.read()
c = zlib.compressobj(6, zlib.DEFLATED, 31)
for i in range(0, len(data), 50021):
    sys.stdout.buffer.write(c.compress(data[i:i+50021]) + c.flush(zlib.Z_FULL_FLUSH))
sys.stdout.buffer.write(c.flush())`),
  }),
  "gzip members of 3 MB": () => ({ raw: big, blob: gzipMembers(big, 3_000_000) }),
  "gzip members of 700 bytes": () => ({
    raw: big.subarray(0, 1_000_000),
    blob: gzipMembers(big.subarray(0, 1_000_000), 700),
  }),
  "gzip with zeros at the end": () => ({
    raw: big,
    blob: Buffer.concat([gzipMembers(big, 1_100_000), Buffer.alloc(200_000)]),
  }),
  "thousands of empty blocks": () => ({
    raw: big.subarray(0, 300_000),
    blob: withEmptyBlocks(big.subarray(0, 300_000)),
  }),
  "zstd, one frame": () => ({ raw: big, blob: zstdCompressSync(big) }),
  "zstd -19 --long": () => ({ raw: big, blob: pipe(big, ["zstd", "-12", "--long=27", "-c"]) }),
  "zstd, frames of 300 KB and skippable ones": () => ({ raw: big, blob: zstdFrames(big, 300_000) }),
  "zstd, frames of 2 KB": () => ({
    raw: big.subarray(0, 1_500_000),
    blob: zstdFrames(big.subarray(0, 1_500_000), 2000),
  }),
  pzstd: () => ({ raw: big, blob: pipe(big, ["pzstd", "-c", "-p", "2"]) }),
  tar: () => ({ raw: big, blob: big }),
};

/** A stream in which 200 KB of empty stored blocks stand between two halves: compressed bytes without any output. */
function withEmptyBlocks(raw: Uint8Array): Uint8Array {
  const plain = gzipSync(raw);
  const empty = Buffer.from([0, 0, 0, 0xff, 0xff]);
  const stored = [0, 100_000, 200_000].map((at) => {
    const parts: Buffer[] = [];
    for (let from = at; from < at + 100_000; from += 50_000) {
      const header = Buffer.from([
        0,
        50_000 & 255,
        50_000 >> 8,
        ~50_000 & 255,
        (~50_000 >> 8) & 255,
      ]);
      parts.push(header, Buffer.from(raw.subarray(from, from + 50_000)));
    }
    return Buffer.concat([...parts, ...Array.from({ length: 40_000 }, () => empty)]);
  });
  const end = deflateRawSync(new Uint8Array(0));
  return Buffer.concat([plain.subarray(0, 10), ...stored, end, plain.subarray(-8)]);
}

const made = new Map<string, Sample>();

export const sampleNames: readonly string[] = Object.keys(makers);

export function sampleNamed(name: string): Sample {
  let sample = made.get(name);
  if (sample === undefined) {
    sample = makers[name]!();
    made.set(name, sample);
  }
  return sample;
}
