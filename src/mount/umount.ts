import { ClipError } from "../errors.ts";
import { poll } from "../system/locks.ts";
import { listMounts, type MountState } from "./state.ts";
import { unmount } from "./unmount.ts";

const serverEndMs = 10_000;

/**
 * Unmounts an archive and waits until its server, where there is one, has ended.
 * @throws ClipError NOT_MOUNTED, MOUNT_BUSY, PERMISSION; TIMEOUT for a server that does not end.
 */
export async function unmountClip(
  directory: string,
  options: { readonly force?: boolean; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const mountPoint = await unmount(directory, { lazy: options.force === true });
  // A lazily detached mount's server ends when its last user goes.
  if (options.force === true) return;
  const isGone = () => !liveMounts().some((mount) => mount.mountPoint === mountPoint);
  if (!(await poll(isGone, { timeoutMs: serverEndMs, signal: options.signal }))) {
    throw new ClipError(
      "TIMEOUT",
      `${directory} is unmounted, but its server has not ended; clip ps shows it`,
    );
  }
}

/** None where there is no runtime directory to look into. */
function liveMounts(): readonly MountState[] {
  try {
    return listMounts();
  } catch {
    return [];
  }
}
