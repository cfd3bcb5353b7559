import type { FileHandle } from "node:fs/promises";
import { ClipError, toClipError } from "../errors.ts";
import { type ByteString, byteStringOf } from "../formats/bytestring.ts";
import type { TarEntry } from "../formats/tar/entry.ts";
import { TarFaults } from "../formats/tar/faults.ts";
import { blockSize, isZeroBlock } from "../formats/tar/header.ts";
import { MemberReader } from "../formats/tar/member.ts";

/** A member of a tar: a run of its bytes, or a link to another member. */
export type TarMember =
  | { readonly kind: "file"; readonly at: number; readonly size: number }
  | { readonly kind: "link"; readonly target: ByteString };

/** An archive of an image has a few members for each of at most 1,000 layers. */
const maxMembers = 100_000;

/**
 * Finds the members of a tar by its headers; their data is not read. Of members of one name the last counts, and
 * names come without `./` before and `/` behind.
 * @throws ClipError TAR_CORRUPT, LIMIT_EXCEEDED; UNSUPPORTED where the whole tar is compressed.
 */
export async function findTarMembers(
  handle: FileHandle,
  name: string,
  size: number,
): Promise<ReadonlyMap<ByteString, TarMember>> {
  const faults = new TarFaults(name);
  const members = new Map<ByteString, TarMember>();
  const addEntry = (entry: TarEntry): void => {
    if (members.size >= maxMembers) throw faults.limit(`it has more than ${maxMembers} members`);
    const member = memberOf(entry);
    if (member !== undefined) members.set(cleanName(entry.name), member);
  };
  const reader = new MemberReader(addEntry, () => {}, faults);
  const block = Buffer.alloc(blockSize);
  for (let at = 0; at < size; ) {
    faults.at = at;
    const length = await readBlock(handle, block, at, name);
    if (at === 0) refuseCompressed(block, name);
    if (length < blockSize) throw faults.corrupt("the file ends inside a header: it was cut short");
    at += blockSize;
    if (reader.wantsMore) reader.more(block, 0);
    else if (isZeroBlock(block, 0)) break;
    else reader.header(block, 0);
    at += reader.dataLeft;
    reader.dataLeft = 0;
  }
  if (reader.isPending) throw faults.corrupt("the tar ends where a header announces a member");
  for (const member of members.values()) {
    if (member.kind === "file" && member.at + member.size > size) {
      throw faults.corrupt("the file ends inside the data of a member: it was cut short");
    }
  }
  return members;
}

/** The file that `path` stands for, links followed; undefined where there is none. */
export function followMember(
  members: ReadonlyMap<ByteString, TarMember>,
  path: ByteString,
): (TarMember & { kind: "file" }) | undefined {
  let name = path;
  // As many links as Linux follows.
  for (let links = 0; links < 40; links++) {
    const member = members.get(name);
    if (member?.kind !== "link") return member;
    name = member.target;
  }
  return undefined;
}

function memberOf(entry: TarEntry): TarMember | undefined {
  const { type, name, linkName, size, extents } = entry;
  if (type === "hardlink") return { kind: "link", target: cleanName(linkName) };
  // A symbolic link counts from the directory that it lies in; docker save links equal layers so.
  if (type === "symlink") return { kind: "link", target: resolveLink(cleanName(name), linkName) };
  if (type !== "file") return undefined;
  const [extent] = extents;
  if (size === 0) return { kind: "file", at: entry.headerAt, size };
  // Sparse members are not what any tool writes here; they are passed over.
  const whole = extents.length === 1 && extent?.offset === 0 && extent.length === size;
  return whole ? { kind: "file", at: extent.at, size } : undefined;
}

const cleanName = (name: ByteString): ByteString =>
  name
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");

function resolveLink(from: ByteString, target: ByteString): ByteString {
  const parts = target.startsWith("/") ? [] : from.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

async function readBlock(
  handle: FileHandle,
  block: Buffer,
  at: number,
  name: string,
): Promise<number> {
  let done = 0;
  while (done < blockSize) {
    const { bytesRead } = await handle
      .read(block, done, blockSize - done, at + done)
      .catch((error: unknown) => {
        throw toClipError(error, `reading ${name}`);
      });
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

const compressions: readonly (readonly [string, ByteString, string])[] = [
  ["gzip", "\x1f\x8b", "gzip -d"],
  ["zstd", "\x28\xb5\x2f\xfd", "zstd -d"],
  ["xz", "\xfd7zXZ\0", "xz -d"],
  ["bzip2", "BZh", "bzip2 -d"],
];

/** Members of a compressed tar cannot be read on their own. */
function refuseCompressed(block: Uint8Array, name: string): void {
  const start = byteStringOf(block.subarray(0, 8));
  const found = compressions.find(([, magic]) => start.startsWith(magic));
  if (found === undefined) return;
  throw new ClipError(
    "UNSUPPORTED",
    `${name} is compressed with ${found[0]}, so its layers cannot be read on their own; decompress it first (${found[2]})`,
    { path: name, compression: found[0] },
  );
}
