import { type IndexFile, openIndexFile } from "../archive/index-file.ts";
import { type Archive, openArchive } from "../archive/open.ts";
import { openArchiveOrigin } from "../archive/origin.ts";
import { ErofsImage } from "../formats/erofs/image.ts";
import { VirtualTable } from "../formats/erofs/virtual.ts";
import type { Counters } from "../stats/counters.ts";
import type { Origin } from "../stores/origin.ts";
import { cacheDirectory } from "../system/directories.ts";
import { type Content, openContent } from "./content.ts";

export interface OpenIndexOptions {
  /** Path of the archive. */
  readonly archive: string;
  /** Directory of the local cache, in the place of the user's own. */
  readonly cacheDir?: string;
}

export interface OpenImageOptions extends OpenIndexOptions {
  /** Where the layers are now, when it is not where the archive says. */
  readonly origin?: string;
  readonly insecure?: boolean;
  readonly countersOf?: (archive: Archive) => Counters;
  /** Hears once that the cache's disk refuses something; reads go on without it. */
  readonly onCacheFailure?: (error: unknown) => void;
}

/** An archive with its tree. */
export interface OpenedIndex {
  readonly archive: Archive;
  readonly image: ErofsImage;
  readonly indexFile: IndexFile;
  /** undefined where no cache directory can be used: then memory stands in. */
  readonly cacheDirectory: string | undefined;
  close(): Promise<void>;
}

/** An archive with its tree and the contents of its files. */
export interface OpenedImage extends OpenedIndex {
  readonly origin: Origin;
  readonly content: Content;
}

/** Opens an archive to look at its tree; its origin is not needed. @throws ClipError. */
export async function openIndex(options: OpenIndexOptions): Promise<OpenedIndex> {
  const archive = await openArchive(options.archive);
  try {
    const directory = usableCacheDirectory(options.cacheDir);
    const indexFile = await openIndexFile(archive, directory);
    const image = new ErofsImage(indexFile.bytes);
    return { archive, image, indexFile, cacheDirectory: directory, close: () => archive.close() };
  } catch (error) {
    await archive.close();
    throw error;
  }
}

/** Opens an archive to read its files. No request is made before the first read. @throws ClipError. */
export async function openImage(options: OpenImageOptions): Promise<OpenedImage> {
  const opened = await openIndex(options);
  const { archive, image, cacheDirectory } = opened;
  try {
    const origin = openArchiveOrigin(archive.origin, options.archive, {
      ...(options.origin === undefined ? {} : { origin: options.origin }),
      ...(options.insecure === undefined ? {} : { insecure: options.insecure }),
    });
    const content = openContent({
      index: image,
      virtual: virtualTableOf(archive.virtual, archive.layers),
      layers: archive.layers,
      blobs: archive.layers.map((layer) => origin.blob(layer)),
      cacheDirectory,
      ...(options.countersOf === undefined ? {} : { counters: options.countersOf(archive) }),
      ...(options.onCacheFailure === undefined ? {} : { onCacheFailure: options.onCacheFailure }),
    });
    const close = async () => {
      await content.close();
      await origin.close();
      await opened.close();
    };
    return { ...opened, origin, content, close };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** The table of an index's virtual device, checked against the layers. */
export const virtualTableOf = (
  table: Uint8Array,
  layers: readonly { readonly tarSize: number }[],
): VirtualTable =>
  new VirtualTable(
    table,
    layers.map(({ tarSize }) => tarSize),
  );

/** undefined where no place can be used; one that was asked for and cannot be is passed over like the others. */
function usableCacheDirectory(given: string | undefined): string | undefined {
  try {
    return cacheDirectory({ given }).path;
  } catch {
    return undefined;
  }
}
