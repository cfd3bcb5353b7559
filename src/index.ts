/**
 * The library. Every function takes one options object; long work takes an `AbortSignal` and a progress callback;
 * what fails throws a {@link ClipError} with a stable code.
 */

export {
  type BuildOptions,
  type BuildResult,
  buildArchive,
  type LayerSummary,
} from "./archive/build.ts";
export { type EntryKind, type ListedEntry, listDirectory } from "./archive/list.ts";
export { inodeOf, lookupPath } from "./archive/lookup.ts";
export { type Archive, type ArchiveLayer, openArchive } from "./archive/open.ts";
export { type ArchiveOriginOptions, openArchiveOrigin } from "./archive/origin.ts";
export {
  type Finding,
  type Report,
  type VerifyOptions,
  verifyArchive,
  verifyDeep,
  verifyOrigin,
} from "./archive/verify.ts";
export {
  type ArchiveFacts,
  type EntryFacts,
  inspectArchive,
  inspectEntry,
} from "./content/inspect.ts";
export {
  type OpenedImage,
  type OpenedIndex,
  type OpenImageOptions,
  openImage,
  openIndex,
} from "./content/open-image.ts";
export { ClipError, type ErrorCode, errorCodes, exitCodes, isClipError } from "./errors.ts";
export { type Mount, type MountOptions, mountArchive } from "./mount/mount.ts";
export { listMounts, type MountState } from "./mount/state.ts";
export { unmountClip } from "./mount/umount.ts";
export type { OnProgress, Progress } from "./progress.ts";
export type { Snapshot } from "./stats/snapshot.ts";
export type { OriginSpec } from "./stores/origin.ts";
export { version } from "./version.ts";
