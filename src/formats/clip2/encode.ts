import { encodeVirtual } from "../erofs/virtual.ts";
import { digestOf } from "../oci/digest.ts";
import type { ArchiveContents } from "./contents.ts";
import { encodeCheckpoints, encodeGranules, encodeLayers, encodeWindows } from "./encode-layers.ts";
import { encodeHead, type Section, sha256Of } from "./head.ts";
import {
  head,
  type RequiredSection,
  requiredSections,
  sectionKinds,
  tableEntry,
} from "./layout.ts";
import { encodeOriginSection } from "./origin-section.ts";
import { packSection } from "./section-data.ts";

export type { ArchiveContents } from "./contents.ts";

/**
 * The archive's bytes, in pieces. The same contents give the same bytes.
 * @throws ClipError LIMIT_EXCEEDED where a reader would refuse the size, UNSUPPORTED.
 */
export function encodeArchive(contents: ArchiveContents): Uint8Array[] {
  const { layers, index } = contents;
  const raw: Record<RequiredSection, Uint8Array> = {
    origin: encodeOriginSection({ ...contents, indexDigest: digestOf(index) }),
    manifest: contents.manifestBytes,
    config: contents.config,
    layers: encodeLayers(layers),
    checkpoints: encodeCheckpoints(layers),
    granules: encodeGranules(layers),
    virtual: encodeVirtual(contents.virtual),
    index,
    windows: encodeWindows(layers),
  };
  let offset = head.size + requiredSections.length * tableEntry.size;
  const pieces: Uint8Array[] = [];
  const sections = requiredSections.map((name): Section => {
    const { codec, stored } = packSection(name, raw[name]);
    const section: Section = {
      name,
      kind: sectionKinds[name],
      codec,
      flags: 0,
      offset,
      storedSize: stored.length,
      rawSize: raw[name].length,
      sha256: sha256Of(stored),
    };
    offset += stored.length;
    pieces.push(stored);
    return section;
  });
  return [encodeHead(sections), ...pieces];
}
