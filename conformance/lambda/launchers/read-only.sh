#!/bin/sh
# Runs a program where no file can be written: `unshare --mount sh read-only.sh PROGRAM...`. Of its own mounts, which nobody
# else sees, each is made read-only, and /tmp, where a program would look for room first, is an empty one.
set -eu

mount --make-rprivate /
case $PWD/ in
/tmp/*) ;; # The program itself is in there.
*) mount -t tmpfs -o size=4k tmpfs /tmp ;;
esac
# The last mounted first. Those of the kernel hold no files.
awk '$3 !~ /^(proc|sysfs|devpts|mqueue|cgroup2?|securityfs|debugfs|tracefs|bpf|pstore)$/ { print $2 }' /proc/self/mounts |
  sort -r | uniq | while read -r folder; do
  mount -o remount,bind,ro "$(printf '%b' "$folder")"
done
exec "$@"
