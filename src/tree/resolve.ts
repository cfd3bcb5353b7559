import type { ByteString } from "../formats/bytestring.ts";
import { cleanPath } from "./names.ts";
import { Directory } from "./node.ts";

/** As many symbolic links are followed on the way to one directory (securejoin's limit, which umoci uses). */
const maxLinks = 255;

/** Where the path of a directory leads: the last directory that exists, and what is missing below it. */
export type Resolved =
  | { readonly directory: Directory; readonly missing: readonly ByteString[] }
  | { readonly problem: string };

/**
 * Follows the path of a directory as a process would whose root is the image's: symbolic links on the way, absolute
 * ones too, and `..` never leave it. Written components are cleaned first, so `a/../b` is `b` whatever `a` is; `..`
 * in a link's target goes up from where the link led. This is what umoci and containerd do.
 */
export function resolveDirectory(root: Directory, path: ByteString): Resolved {
  let directory = root;
  let missing: ByteString[] = [];
  let links = 0;
  const waiting = cleanPath(path).reverse();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (missing.pop() === undefined) directory = directory.parent;
      continue;
    }
    const child = missing.length > 0 ? undefined : directory.children.get(name);
    if (child === undefined) missing.push(name);
    else if (child instanceof Directory) directory = child;
    else if (child.type === "symlink") {
      if (++links > maxLinks) return { problem: "leads through too many symbolic links" };
      if (child.target.startsWith("/")) {
        directory = root;
        missing = [];
      }
      waiting.push(...child.target.split("/").reverse());
    } else return { problem: `needs a directory where there is something else ("${name}")` };
  }
  return { directory, missing };
}
