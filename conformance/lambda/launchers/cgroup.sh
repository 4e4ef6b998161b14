#!/bin/sh
# Runs a program within a memory cgroup that is there already: `sh cgroup.sh FOLDER PROGRAM...`.
set -eu

echo $$ >"$1/cgroup.procs"
shift
exec "$@"
