/**
 * Writes the requests of a real kernel as hex, one a line with its operation's name, while programs use a mount:
 * `bun capture.ts > requests.txt`, as root. The list that captured.test.ts uses was made by it on Linux 6.18.
 */
import { mkdirSync, writeSync } from "node:fs";
import { readRequest, writeReply } from "../../../src/fuse/device-io.ts";
import { requestBufferSize } from "../../../src/fuse/limits.ts";
import { operationOf } from "../../../src/fuse/operations.ts";
import { Reply } from "../../../src/fuse/reply.ts";
import { Request } from "../../../src/fuse/request.ts";
import { answer } from "../../../src/fuse/serve.ts";
import { FuseServer } from "../../../src/fuse/server.ts";
import { openSession } from "../../../src/fuse/session.ts";
import { mountFuse } from "../../../src/mount/device.ts";
import { unmount } from "../../../src/mount/unmount.ts";
import { makeFixture } from "./fixture.ts";
import { tarHandlers } from "./tar-handlers.ts";

const uses = `
python3 -c 'import ctypes, sys; ctypes.CDLL(None).mount(None, sys.argv[1].encode(), None, 32, None)' "$1"
cd "$1"
stat plain.txt; stat none; readlink link; ls -la sub; cat plain.txt; stat -f .
getfattr -n user.text plain.txt; getfattr -d plain.txt
python3 -c 'import os; os.lseek(os.open("sparse", 0), 0, os.SEEK_DATA)'
touch new; mkdir new; ln -s x new; ln plain.txt new; rm plain.txt; rmdir sub; mv plain.txt new; chmod 0 plain.txt
setfattr -n user.new -v 1 plain.txt; setfattr -x user.text plain.txt; mkfifo new; lsattr -d sub
echo x >> plain.txt; fallocate -l 1M plain.txt
timeout -s KILL 0.2 dd if=stuck of=/dev/null bs=4096 count=1 iflag=direct
cd /; umount "$1"
`;

const fixture = makeFixture();
const mountPoint = `${fixture.folder}/mnt`;
mkdirSync(mountPoint);
const { device } = await mountFuse({ mountPoint, source: "capture", allowOther: true });
try {
  const session = openSession(device, 1);
  Bun.spawn(["sh", "-c", uses, "sh", mountPoint], { stdio: ["ignore", "ignore", "ignore"] });
  const handlers = tarHandlers({ ...fixture, passedOn: [fixture.nid("stuck")] });
  const stuck: bigint[] = [];
  const server = new FuseServer(handlers, 0, ({ kind, unique }) => {
    if (kind === "read") stuck.push(unique);
  });
  const [request, reply] = [new Request(new Uint8Array(requestBufferSize)), new Reply()];
  for (;;) {
    request.length = readRequest(session.fds[0]!, request.bytes);
    if (request.length === 0) break;
    const { name } = operationOf(request.opcode);
    writeSync(
      1,
      `${name} ${Buffer.from(request.bytes.subarray(0, request.length)).toString("hex")}\n`,
    );
    const length = answer(server, request, reply, () => {});
    if (length > 0) writeReply(device, reply.bytes, length);
    // What nobody fetches here ends when its reader is killed.
    if (name !== "INTERRUPT") continue;
    for (const unique of stuck.splice(0)) {
      const high = Number(unique >> 32n);
      writeReply(device, reply.bytes, reply.seal(Number(unique & 0xffff_ffffn), high, -5));
    }
  }
} finally {
  await unmount(mountPoint, { lazy: true }).catch(() => undefined);
  fixture.remove();
}
