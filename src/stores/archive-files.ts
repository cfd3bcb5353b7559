import type { FileHandle } from "node:fs/promises";
import { type ByteString, byteStringOfText } from "../formats/bytestring.ts";
import { shownPath } from "../system/paths.ts";
import { type FileTree, openRegularFile, readHandle } from "./stored-file.ts";
import { findTarMembers, followMember, type TarMember } from "./tar-members.ts";

interface Opened {
  readonly handle: FileHandle;
  readonly members: ReadonlyMap<ByteString, TarMember>;
}

/**
 * The members of a tar as files. The tar is opened at the first use and stays open until `close`, so that replacing
 * it on disk does not move the bytes under a reader.
 */
export function archiveFiles(path: string): FileTree {
  const name = shownPath(path);
  let opened: Promise<Opened> | undefined;
  const open = async (): Promise<Opened> => {
    const { handle, size } = await openRegularFile(path);
    try {
      return { handle, members: await findTarMembers(handle, name, size) };
    } catch (error) {
      await handle.close();
      throw error;
    }
  };
  return {
    name,
    async file(wanted) {
      opened ??= open().catch((error) => {
        opened = undefined;
        throw error;
      });
      const { handle, members } = await opened;
      const member = followMember(members, byteStringOfText(wanted));
      if (member === undefined) return undefined;
      const label = `${wanted} in ${name}`;
      return {
        name: label,
        size: member.size,
        read: (offset, length, signal) =>
          readHandle(handle, label, member.at + offset, length, signal),
      };
    },
    async close() {
      const last = await opened?.catch(() => undefined);
      opened = undefined;
      await last?.handle.close();
    },
  };
}
