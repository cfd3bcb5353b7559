/** Blocks that the disk would not take: the most recently used ones, bounded in bytes, of all layers of a mount. */
export class MemoryBlocks {
  private readonly blocks = new Map<number, Uint8Array>();
  private held = 0;
  private layers = 0;

  constructor(private readonly limit = 32 * 1024 * 1024) {}

  get bytes(): number {
    return this.held;
  }

  /** A number for each layer, to tell its blocks from others'. */
  addLayer(): number {
    return this.layers++;
  }

  has(layer: number, block: number): boolean {
    return this.held > 0 && this.blocks.has(keyOf(layer, block));
  }

  get(layer: number, block: number): Uint8Array | undefined {
    if (this.held === 0) return undefined;
    const key = keyOf(layer, block);
    const bytes = this.blocks.get(key);
    if (bytes === undefined) return undefined;
    // A Map keeps the order of insertion, so the first key is the one not used for longest.
    this.blocks.delete(key);
    this.blocks.set(key, bytes);
    return bytes;
  }

  /** Keeps a copy of `bytes`. */
  put(layer: number, block: number, bytes: Uint8Array): void {
    const key = keyOf(layer, block);
    this.remove(key);
    this.blocks.set(key, bytes.slice());
    this.held += bytes.length;
    for (const oldest of this.blocks.keys()) {
      if (this.held <= this.limit) break;
      this.remove(oldest);
    }
  }

  private remove(key: number): void {
    this.held -= this.blocks.get(key)?.length ?? 0;
    this.blocks.delete(key);
  }
}

// Block numbers are below 2^32, so the key is exact for two million layers.
const keyOf = (layer: number, block: number): number => layer * 2 ** 32 + block;
