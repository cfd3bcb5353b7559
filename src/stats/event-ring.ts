import { struct, viewOf, writeU64 } from "../formats/fields.ts";
import { type Outcome, outcomes } from "./counter-table.ts";

/** One read that happened. */
export interface ReadEvent {
  /** Microseconds since 1970. */
  readonly timeUs: number;
  /** The process that read. */
  readonly pid: number;
  readonly nid: number;
  readonly offset: number;
  readonly length: number;
  readonly outcome: Outcome;
  readonly durationNs: number;
}

export const eventStruct = struct("event", 64, {
  /** The event's number plus one; 0 while it is being written. */
  ticket: "u64",
  timeUs: "u64",
  nid: "u64",
  offset: "u64",
  durationNs: "u64",
  pid: "u32",
  length: "u32",
  outcome: "u32",
  reserved: { bytes: 12 },
});

const { at, size } = eventStruct;

/** A ring of the last events in memory shared between threads and processes; the oldest is overwritten. */
export class EventRing {
  private readonly head: BigInt64Array;
  private readonly tickets: BigInt64Array;
  private readonly view: DataView;

  /** `head` and `start` are byte offsets in `bytes`, multiples of 8. */
  constructor(
    bytes: Uint8Array,
    head: number,
    start: number,
    private readonly capacity: number,
  ) {
    const base = bytes.byteOffset;
    this.head = new BigInt64Array(bytes.buffer, base + head, 1);
    this.tickets = new BigInt64Array(bytes.buffer, base + start, (capacity * size) / 8);
    this.view = new DataView(bytes.buffer, base + start, capacity * size);
  }

  write(event: ReadEvent): void {
    const ticket = Atomics.add(this.head, 0, 1n);
    const slot = Number(ticket % BigInt(this.capacity)) * size;
    Atomics.store(this.tickets, slot / 8, 0n);
    writeU64(this.view, slot + at.timeUs, event.timeUs);
    writeU64(this.view, slot + at.nid, event.nid);
    writeU64(this.view, slot + at.offset, event.offset);
    writeU64(this.view, slot + at.durationNs, event.durationNs);
    this.view.setUint32(slot + at.pid, event.pid, true);
    this.view.setUint32(slot + at.length, event.length, true);
    this.view.setUint32(slot + at.outcome, outcomes.indexOf(event.outcome), true);
    Atomics.store(this.tickets, slot / 8, ticket + 1n);
  }

  /**
   * The events from number `from` on, oldest first, at most `limit` of the latest, and the number to ask for next.
   * An event that is being written or overwritten meanwhile is left out.
   */
  read(from: number, limit: number): { events: ReadEvent[]; next: number } {
    const next = Number(Atomics.load(this.head, 0));
    const events: ReadEvent[] = [];
    const copy = new Uint8Array(size);
    for (let n = Math.max(from, 0, next - Math.min(limit, this.capacity)); n < next; n++) {
      const slot = (n % this.capacity) * size;
      const ticket = BigInt(n) + 1n;
      if (Atomics.load(this.tickets, slot / 8) !== ticket) continue;
      copy.set(new Uint8Array(this.view.buffer, this.view.byteOffset + slot, size));
      if (Atomics.load(this.tickets, slot / 8) !== ticket) continue;
      const { timeUs, pid, nid, offset, length, outcome, durationNs } = eventStruct.read(
        viewOf(copy),
      );
      const ended = outcomes[outcome] ?? "error";
      events.push(Object.freeze({ timeUs, pid, nid, offset, length, outcome: ended, durationNs }));
    }
    return { events, next };
  }
}
