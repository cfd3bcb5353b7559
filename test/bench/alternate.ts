/** One way of doing what is measured. */
export interface Candidate {
  readonly name: string;
  /** Not timed: brings caches and files into the state that a run begins in. */
  readonly before?: () => Promise<void> | void;
  readonly run: () => Promise<void> | void;
  /** Not timed: takes down what `run` left. */
  readonly after?: () => Promise<void> | void;
}

export interface Measured {
  readonly name: string;
  /** Milliseconds of every repetition, in the order they ran. */
  readonly times: readonly number[];
}

/** Runs every candidate once a round, for `rounds` rounds, so that a drift of the machine meets all of them alike. */
export async function alternate(
  candidates: readonly Candidate[],
  rounds: number,
): Promise<Measured[]> {
  const times = candidates.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, candidate] of candidates.entries()) {
      await candidate.before?.();
      try {
        const started = performance.now();
        await candidate.run();
        times[index]!.push(performance.now() - started);
      } finally {
        await candidate.after?.();
      }
    }
  }
  return candidates.map(({ name }, index) => ({ name, times: times[index]! }));
}

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
