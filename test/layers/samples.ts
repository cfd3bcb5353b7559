import { gzipSync } from "node:zlib";

/** Numbers from a seed, the same every time (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Bytes with the mixture of a layer: text, tables of numbers, what cannot be compressed, and runs of zeros. */
export function sampleBytes(size: number, seed = 1): Uint8Array {
  const random = randomFrom(seed);
  const bytes = new Uint8Array(size);
  const words = Array.from({ length: 600 }, () =>
    Array.from({ length: 2 + random() * 9 }, () => String.fromCharCode(97 + random() * 26)).join(
      "",
    ),
  );
  for (let at = 0; at < size; ) {
    const kind = random();
    const length = Math.min(size - at, Math.floor(20_000 + random() * 200_000));
    const part = bytes.subarray(at, at + length);
    if (kind < 0.55) {
      let text = "";
      while (text.length < length) text += `${words[Math.floor(random() ** 2 * 600)]} `;
      part.set(Buffer.from(text, "latin1").subarray(0, length));
    } else if (kind < 0.75) {
      for (let i = 0; i < length; i++)
        part[i] = i % 4 === 0 ? random() * 256 : i % 4 === 1 ? i >> 8 : 0;
    } else if (kind < 0.88) {
      for (let i = 0; i < length; i++) part[i] = random() * 256;
    }
    at += length;
  }
  return bytes;
}

/** The bytes cut into pieces of 1 to `largest` bytes. */
export function* piecesOf(bytes: Uint8Array, largest: number, seed = 1): Generator<Uint8Array> {
  const random = randomFrom(seed);
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + Math.floor(random() * largest);
    yield bytes.subarray(at, end);
    at = end;
  }
}

/** What a program makes of its input. */
export function pipe(input: Uint8Array, command: readonly string[]): Uint8Array {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command], { stdin: input });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
  return new Uint8Array(stdout);
}

/** The input as a gzip file whose members hold `memberSize` bytes each. */
export function gzipMembers(bytes: Uint8Array, memberSize: number, level = 6): Uint8Array {
  const members: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += memberSize) {
    members.push(gzipSync(bytes.subarray(at, at + memberSize), { level }));
  }
  return Buffer.concat(members);
}

export const sha256Of = (bytes: Uint8Array): string =>
  `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
