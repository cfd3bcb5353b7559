import { openOrigin } from "../stores/open-origin.ts";
import type { Origin, OriginSpec } from "../stores/origin.ts";
import { parseSource } from "../stores/source.ts";
import { absolutePath, parentPath } from "../system/path-names.ts";

export interface ArchiveOriginOptions {
  /** Where the layers are now, in the place of what the archive says; as `clip build` takes a source. */
  readonly origin?: string;
  readonly insecure?: boolean;
}

/** Where an archive's layers are: a path that the archive has as relative is relative to the archive itself. */
export function originSpecOf(
  recorded: OriginSpec,
  archivePath: string,
  { origin, insecure }: ArchiveOriginOptions,
): OriginSpec {
  const spec = origin === undefined ? recorded : parseSource(origin);
  if (spec.kind === "registry") return insecure === true ? { ...spec, insecure } : spec;
  const path =
    origin === undefined
      ? absolutePath(spec.path, parentPath(absolutePath(archivePath)))
      : absolutePath(spec.path);
  return { ...spec, path };
}

/** Opens the origin of an archive's layers. No request is made yet. @throws ClipError for a source that is none. */
export const openArchiveOrigin = (
  recorded: OriginSpec,
  archivePath: string,
  options: ArchiveOriginOptions,
): Origin => {
  const spec = originSpecOf(recorded, archivePath, options);
  return openOrigin(spec, { insecure: spec.kind === "registry" && spec.insecure === true });
};
