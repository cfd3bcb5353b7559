/**
 * The one declaration of what is counted (design D8): names, in the order of the counters file, and what each means.
 * Whoever shows statistics takes names and meanings from here.
 */
export const counters = {
  reads: "reads that the mount or a command asked for",
  readErrors: "reads that failed",
  readsInterrupted: "reads whose reader went away before the answer",
  servedBytes: "bytes of file contents answered",
  localHits: "reads answered by the local cache alone",
  localMisses: "reads that the local cache could not answer alone",
  originReads: "reads that waited for bytes of the origin",
  joinedFetches: "reads that waited for a fetch that was already under way",
  otherProcessWaits: "reads that waited for another process to fetch",
  requests: "requests sent to the origin, retries included",
  requestsInFlight: "requests to the origin under way",
  retries: "requests sent again",
  fetches: "ranges asked of the origin",
  fetchErrors: "fetches that failed",
  fetchedBytes: "compressed bytes received from the origin",
  verifiedGranules: "granules whose digest was right",
  granuleMismatches: "granules whose digest was wrong",
  inflatedBytes: "tar bytes decoded",
  resumedSpans: "spans decoded from where an earlier read stopped",
  storedBytes: "tar bytes stored in the local cache",
  cacheChecksumFailures: "cached blocks that did not verify and were dropped",
  cacheFailures: "reads and writes that the cache's disk refused",
  fuseRequests: "requests of the kernel, of every kind",
  fuseLookups: "LOOKUP requests",
  fuseGetattrs: "GETATTR requests",
  fuseReaddirs: "READDIR and READDIRPLUS requests",
  fuseOpens: "OPEN and OPENDIR requests",
  fuseXattrs: "GETXATTR and LISTXATTR requests",
  fuseErrors: "requests answered with an error other than ENOENT and ENODATA",
} as const;

export type CounterName = keyof typeof counters;

/** Durations in nanoseconds. */
export const histograms = {
  localRead: "reads answered by the local cache",
  originRead: "reads that waited for the origin",
  originFetch: "whole fetches from the origin",
  metadata: "answers from the index",
} as const;

export type HistogramName = keyof typeof histograms;

/** How a read ended, by its number in an event. */
export const outcomes = ["local", "origin", "error", "interrupted"] as const;

export type Outcome = (typeof outcomes)[number];
