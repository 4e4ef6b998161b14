#!/bin/sh
# Runs a program that cannot write files: `unshare --mount sh read-only.sh PROGRAM...`. Makes all mounts of its own
# namespace read-only, and mounts an empty /tmp, where programs write first.
set -eu

mount --make-rprivate /
case $PWD/ in
/tmp/*) ;; # The program itself is in there.
*) mount -t tmpfs -o size=4k tmpfs /tmp ;;
esac
# The last mount comes first. Kernel file systems contain no files.
awk '$3 !~ /^(proc|sysfs|devpts|mqueue|cgroup2?|securityfs|debugfs|tracefs|bpf|pstore)$/ { print $2 }' /proc/self/mounts |
  sort -r | uniq | while read -r folder; do
  mount -o remount,bind,ro "$(printf '%b' "$folder")"
done
exec "$@"
