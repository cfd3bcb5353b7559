import type { ByteString } from "../formats/bytestring.ts";
import { Directory, type Node } from "./node.ts";

/** Whether an entry of the layer that is being applied made the name `name` of `directory`, or something below it. */
export type IsTouched = (directory: Directory, name: ByteString, node: Node) => boolean;

/**
 * Takes away what lower layers put below `directory`. What the current layer put there stays, wherever its entries
 * stand in the tar; a directory that stays only because of what is below it is as if no entry had described it.
 */
export function hideLower(
  directory: Directory,
  layer: number,
  isTouched: IsTouched,
  remove: (directory: Directory, name: ByteString) => void,
): void {
  const waiting = [directory];
  for (let current = waiting.pop(); current !== undefined; current = waiting.pop()) {
    if (current.hiddenIn === layer) continue;
    current.hiddenIn = layer;
    for (const [name, node] of current.children) {
      if (!isTouched(current, name, node)) remove(current, name);
      else if (node instanceof Directory) {
        if (node.describedIn !== layer) node.resetAttributes();
        waiting.push(node);
      }
    }
  }
}
