import { windowSize } from "../formats/deflate/codes.ts";
import { type GzipEvent, GzipReader } from "../formats/deflate/gzip-reader.ts";
import type { BlockHeader } from "../formats/deflate/kernel.ts";
import { borrowKernel, returnKernel } from "../formats/deflate/kernel-pool.ts";
import {
  type CheckpointPolicy,
  isCandidate,
  isForced,
  isWorthIt,
  isWorthStarting,
  type SpanSoFar,
} from "./checkpoint-policy.ts";
import {
  type CodecIndex,
  type CodecIndexer,
  startCheckpoint,
  type TarSink,
} from "./codec-indexer.ts";
import { GranuleLedger } from "./granule-ledger.ts";
import type { Checkpoint } from "./layer-index.ts";
import { encodeWindow, sparseWindow } from "./resume-window.ts";

/** A place that becomes a checkpoint when what follows shows that it is worth it. */
interface Candidate {
  readonly bit: number;
  readonly out: number;
  /** Undefined at the start of a member, which needs none. */
  readonly window?: Uint8Array;
  readonly header?: BlockHeader;
  /** The span that would end here. */
  readonly span: SpanSoFar;
}

/** Indexes a gzip layer. At most one candidate is open at a time; what refers to its window is marked meanwhile. */
export class GzipIndexer implements CodecIndexer {
  readonly #kernel = borrowKernel();
  readonly #reader = new GzipReader(this.#kernel);
  readonly #ledger = new GranuleLedger();
  readonly #checkpoints: Checkpoint[] = [startCheckpoint(0, 0)];
  readonly #policy: CheckpointPolicy;
  readonly #onTar: TarSink;
  #candidate: Candidate | undefined;

  constructor(policy: CheckpointPolicy, onTar: TarSink) {
    this.#policy = policy;
    this.#onTar = onTar;
  }

  push(bytes: Uint8Array): void {
    const ledger = this.#ledger;
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + ledger.nextCut - ledger.at);
      this.#kernel.feed(part);
      ledger.append(part);
      at += part.length;
      this.#drain();
      ledger.cut(this.#kernel.out);
      if (ledger.isOverdue) this.#decide(false);
    }
  }

  finish(): CodecIndex {
    this.#reader.finish();
    this.#ledger.finish(this.#kernel.out);
    return {
      checkpoints: this.#checkpoints,
      granules: this.#ledger.granules,
      frames: this.#reader.members,
    };
  }

  close(): void {
    returnKernel(this.#kernel);
  }

  /** The span since the last checkpoint. */
  get #span(): SpanSoFar {
    const last = this.#checkpoints.at(-1)!;
    const at = Math.ceil(this.#kernel.bit / 8);
    return { bytes: at - Math.floor(last.bit / 8), out: this.#kernel.out - last.out };
  }

  /** Where the reader is to stop: at the end of marking, or where the span has become too long. */
  get #stopAt(): number {
    if (this.#candidate) return this.#candidate.out + windowSize;
    return this.#checkpoints.at(-1)!.out + this.#policy.maxOut;
  }

  #drain(): void {
    for (;;) {
      const event = this.#reader.step(this.#stopAt);
      const output = this.#reader.output;
      if (output.length > 0) {
        this.#onTar(output);
        if (this.#candidate && this.#candidate.window === undefined) this.#accept(undefined);
      }
      if (event === "input") return;
      this.#handle(event);
    }
  }

  #handle(event: GzipEvent): void {
    const marking = this.#candidate;
    switch (event) {
      case "member":
        if (isWorthStarting(this.#policy, this.#span, undefined)) this.#open(true);
        return;
      case "block":
        if (marking && this.#isWanted(marking)) return;
        this.#reject();
        if (isCandidate(this.#policy, this.#span)) this.#open(false);
        return;
      case "stopped":
        if (marking) this.#decide(true);
        else if (isForced(this.#policy, this.#span)) this.#open(false);
        return;
      case "memberEnd":
        // Nothing beyond the member refers to the window: all is known.
        if (marking) this.#decide(true);
    }
  }

  /** Opens a candidate here. The start of a member has no window. */
  #open(atStart: boolean): void {
    const kernel = this.#kernel;
    const { bit, out } = kernel;
    this.#ledger.propose(bit, out);
    const place = { bit, out, span: this.#span };
    if (atStart) {
      this.#candidate = place;
      return;
    }
    const window = kernel.window();
    this.#candidate = kernel.insideBlock
      ? { ...place, window, header: kernel.header() }
      : { ...place, window };
    kernel.startMarking();
  }

  /** Whether a candidate is to be a checkpoint as far as its marks are known. */
  #isWanted(candidate: Candidate): boolean {
    return (
      isForced(this.#policy, this.#span) ||
      isWorthIt(this.#policy, candidate.span, this.#kernel.marked)
    );
  }

  /** Accepts or rejects the candidate. Where not all marks are known, all of its window is kept or nothing. */
  #decide(marksComplete: boolean): void {
    const candidate = this.#candidate;
    if (candidate === undefined) return;
    const followed = this.#kernel.out > candidate.out;
    const wanted = marksComplete ? this.#isWanted(candidate) : isForced(this.#policy, this.#span);
    if (followed && wanted) this.#accept(marksComplete ? this.#kernel.marks : undefined);
    else this.#reject();
  }

  #accept(marks: Uint8Array | undefined): void {
    const { bit, out, window, header } = this.#candidate!;
    if (window === undefined) {
      this.#checkpoints.push(startCheckpoint(bit / 8, out));
    } else {
      const sparse = sparseWindow(window, marks);
      this.#checkpoints.push({
        kind: header ? "inside" : "block",
        out,
        bit,
        window: encodeWindow(header ? { window: sparse, header } : { window: sparse }),
      });
    }
    this.#ledger.accept();
    this.#forget();
  }

  #reject(): void {
    if (this.#candidate === undefined) return;
    this.#ledger.reject();
    this.#forget();
  }

  #forget(): void {
    this.#candidate = undefined;
    this.#kernel.stopMarking();
  }
}
