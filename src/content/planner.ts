import type { ResumePoint } from "../layers/resume-point.ts";
import type { Spans } from "./spans.ts";

/**
 * The one place that decides what is fetched: from the nearest place where decoding can start to the last granule that
 * is needed, neighbours in one request, and how far beyond (design D9).
 */

/** Tar bytes `from` to `to` of one span that are wanted; whole cache blocks. */
export interface Want {
  readonly span: number;
  readonly from: number;
  readonly to: number;
}

/** A place inside a span, on the edge of a granule, from which decoding can go on. */
export interface PieceResume {
  readonly point: ResumePoint;
  /** Up to 32 KiB of the span's tar bytes before `point.out`. */
  readonly before: Uint8Array;
  readonly granule: number;
}

/** Granules `fromGranule` up to `toGranule` (exclusive) of a span, decoded from its checkpoint or from `resume`. */
export interface Piece {
  readonly span: number;
  readonly resume: PieceResume | undefined;
  readonly fromGranule: number;
  toGranule: number;
}

export interface PlanOptions {
  /** Where decoding of a span can go on without output after tar offset `before` being lost. */
  readonly resumeOf: (span: number, before: number) => PieceResume | undefined;
  /** Decode spans to their end, since they cannot be resumed inside. */
  readonly wholeSpans: boolean;
  /** Fetch at least so many bytes, as long as `mayTake` allows the next span. */
  readonly minBytes: number;
  readonly mayTake: (span: number) => boolean;
}

/** Fetching this much for nothing is cheaper than another request (a granule, as much as any fetch may waste). */
const mergeGap = 64 * 1024;

/** Splits tar bytes `from` to `to` at the borders of spans. */
export function splitBySpan(spans: Spans, from: number, to: number): Want[] {
  const wants: Want[] = [];
  for (let span = spans.spanAt(from), at = from; at < to; span++) {
    const end = Math.min(to, spans.starts[span + 1]!);
    if (end > at) wants.push({ span, from: at, to: end });
    at = Math.max(at, end);
  }
  return wants;
}

/** Puts wants (ascending) that one request will fetch together: of neighbouring spans, with next to nothing between. */
export function groupWants(spans: Spans, wants: readonly Want[]): Want[][] {
  const groups: Want[][] = [];
  for (const want of wants) {
    const group = groups.at(-1);
    const previous = group?.at(-1);
    if (previous !== undefined && joins(spans, previous, want)) group!.push(want);
    else groups.push([want]);
  }
  return groups;
}

function joins(spans: Spans, previous: Want, want: Want): boolean {
  if (want.span === previous.span) return true;
  if (want.span !== previous.span + 1) return false;
  const goal = spans.granuleReaching(previous.span, previous.to) + 1;
  return spans.byteEnds[previous.span]! - spans.granuleStart(previous.span, goal) <= mergeGap;
}

/** What one request fetches for a group of wants. The pieces follow each other without a gap. */
export function planPieces(
  spans: Spans,
  wants: readonly Want[],
  { resumeOf, wholeSpans, minBytes, mayTake }: PlanOptions,
): Piece[] {
  const pieces: Piece[] = [];
  for (const { span, from, to } of wants) {
    const goal = wholeSpans ? spans.granuleCount(span) : spans.granuleReaching(span, to) + 1;
    const last = pieces.at(-1);
    if (last?.span === span) {
      last.toGranule = Math.max(last.toGranule, goal);
      continue;
    }
    if (last !== undefined) last.toGranule = spans.granuleCount(last.span);
    const resume = last === undefined ? resumeOf(span, from) : undefined;
    const fromGranule = resume?.granule ?? 0;
    pieces.push({ span, resume, fromGranule, toGranule: Math.max(goal, fromGranule + 1) });
  }
  extend(spans, pieces, wholeSpans, minBytes, mayTake);
  return pieces;
}

function extend(
  spans: Spans,
  pieces: Piece[],
  wholeSpans: boolean,
  minBytes: number,
  mayTake: (span: number) => boolean,
): void {
  const first = pieces[0]!;
  const end = spans.granuleStart(first.span, first.fromGranule) + minBytes;
  for (let last = pieces.at(-1)!; ; ) {
    const count = spans.granuleCount(last.span);
    while (last.toGranule < count && spans.granuleStart(last.span, last.toGranule) < end) {
      last.toGranule++;
    }
    const next = last.span + 1;
    const more = last.toGranule === count && next < spans.count && spans.byteStarts[next]! < end;
    if (!more || !mayTake(next)) return;
    const toGranule = wholeSpans ? spans.granuleCount(next) : 1;
    last = { span: next, resume: undefined, fromGranule: 0, toGranule };
    pieces.push(last);
  }
}
