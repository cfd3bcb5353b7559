import { ClipError, type ErrorCode, toClipError } from "../errors.ts";
import { ErofsImage } from "../formats/erofs/image.ts";
import { VirtualTable } from "../formats/erofs/virtual.ts";
import type { OnProgress } from "../progress.ts";
import type { Origin } from "../stores/origin.ts";
import type { Archive } from "./open.ts";
import { verifyIndex } from "./verify-index.ts";
import { verifyLayer } from "./verify-layer.ts";

export interface Finding {
  readonly code: ErrorCode;
  readonly text: string;
}

/** What a check found wrong; nothing means that all is well. */
export interface Report {
  readonly findings: readonly Finding[];
}

export interface VerifyOptions {
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** Structure and digests of an archive: every section, every window, the whole index. Needs no origin. */
export async function verifyArchive(
  archive: Archive,
  options: VerifyOptions = {},
): Promise<Report> {
  const check = new Checks(options);
  for (const section of archive.sections) {
    await check.run(`section "${section.name ?? section.kind}"`, () =>
      archive.verifySection(section),
    );
  }
  for (const [i, layer] of archive.layers.entries()) {
    if (archive.config.diffIds[i] !== layer.diffId) {
      check.add(
        "ARCHIVE_CORRUPT",
        `layer ${i} has the diffID ${layer.diffId}, but the image config says ${archive.config.diffIds[i]}`,
      );
    }
    await check.run(`windows of layer ${layer.digest}`, async () => {
      for (let checkpoint = 0; checkpoint < layer.out.length; checkpoint++)
        await layer.window(checkpoint);
    });
  }
  const others = archive.config.diffIds.length - archive.layers.length;
  if (others > 0) {
    check.add(
      "ARCHIVE_CORRUPT",
      `the image config knows ${others} layers that the archive has not`,
    );
  }
  await check.run("the index", async () => {
    const image = new ErofsImage(await archive.index());
    const tarSizes = archive.layers.map(({ tarSize }) => tarSize);
    const virtual = new VirtualTable(archive.virtual, tarSizes);
    for (const fault of verifyIndex(image, tarSizes, virtual)) check.add("ARCHIVE_CORRUPT", fault);
  });
  return check;
}

/** Whether every layer is where the archive says, with the right length. Nothing is downloaded. */
export async function verifyOrigin(
  archive: Archive,
  origin: Origin,
  options: VerifyOptions = {},
): Promise<Report> {
  const check = new Checks(options);
  for (const layer of archive.layers) {
    await check.run(`layer ${layer.digest} at ${origin.name}`, () =>
      origin.check(layer, options.signal === undefined ? {} : { signal: options.signal }),
    );
  }
  return check;
}

/** Reads every layer whole: its digest, every granule's, the diffID, and the output from every checkpoint. */
export async function verifyDeep(
  archive: Archive,
  origin: Origin,
  options: VerifyOptions = {},
): Promise<Report> {
  const check = new Checks(options);
  for (const layer of archive.layers) {
    await check.run(`layer ${layer.digest} at ${origin.name}`, () =>
      verifyLayer(layer, origin.blob(layer), (code, text) => check.add(code, text), options),
    );
  }
  return check;
}

class Checks implements Report {
  readonly findings: Finding[] = [];

  constructor(private readonly options: VerifyOptions) {}

  add(code: ErrorCode, text: string): void {
    this.findings.push({ code, text });
  }

  /** A check that throws leaves a finding; an abort is passed on. */
  async run(what: string, body: () => unknown): Promise<void> {
    this.#stopIfAborted();
    try {
      await body();
    } catch (error) {
      this.#stopIfAborted();
      const { code, message } = toClipError(error, what);
      this.add(code, message);
    }
  }

  #stopIfAborted(): void {
    if (this.options.signal?.aborted) throw new ClipError("INTERRUPTED", "interrupted");
  }
}
