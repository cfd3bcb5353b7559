#!/bin/sh
# Makes the tree that tests mount, in the empty directory $1, with a tar of it at $2: one oddity of
# each kind, and a directory of $3 entries.
set -eu
mkdir -p "$1"
tar=$(realpath "$2")
many=$3
cd "$1"
printf 'hello\n' > plain.txt
: > empty
mkdir -p deep/$(printf 'd%.0s/' $(seq 40))
printf 'x' > deep/leaf
ln -s plain.txt link
ln -s "$(printf 'long/%.0s' $(seq 800))" long-link
ln -s missing dangling
ln plain.txt hard
mkdir sub && ln plain.txt sub/harder
mkfifo pipe
printf 'setuid' > setuid && chmod 4755 setuid
printf 'secret' > secret && chmod 0600 secret
mkdir sticky && chmod 1777 sticky
printf 'n' > "$(printf 'new\nline')"
printf 'b' > "$(printf 'not-utf8-\377\376')"
printf 'l' > "$(printf 'n%.0s' $(seq 255))"
printf 'old' > old && touch -d '1955-11-05 06:15:00.123456789 UTC' old
touch -d '2031-02-03 04:05:06.000000001 UTC' empty
# 40 MiB with 3 islands of data; 5 MiB of data that cannot be told from its neighbours if a byte is off.
truncate -s 40M sparse
printf 'island one' | dd of=sparse bs=1 seek=1048576 conv=notrunc status=none
printf 'island two' | dd of=sparse bs=1 seek=20971520 conv=notrunc status=none
printf 'tail' | dd of=sparse bs=1 seek=41943036 conv=notrunc status=none
truncate -s 3M all-hole
seq -f '%015.0f' 1 327680 > big
cp big slow
cp big stuck
if [ "$(id -u)" = 0 ]; then
  mknod char c 1 7
  mknod block b 7 300
  printf 'owned' > owned && chown 4000000000:4000000001 owned
  setfattr -n trusted.clip -v secret plain.txt
  printf 'cap' > capable && chmod 755 capable && setcap cap_net_raw+ep capable
fi
setfattr -n user.text -v value plain.txt
setfattr -n user.binary -v 0x00ff0a0d plain.txt
setfattr -n user.empty plain.txt
setfattr -n user.large -v "0x$(printf '%06000d' 0)" empty
setfattr -h -n user.on-dir -v d sub
mkdir many
python3 -c 'import sys; [open(f"many/entry-{i:05}", "w").close() for i in range(int(sys.argv[1]))]' "$many"
tar --format=posix --sparse --xattrs --xattrs-include='*' -cf "$tar" .
