#!/bin/sh
# Runs a program in an existing memory cgroup: `sh cgroup.sh FOLDER PROGRAM...`.
set -eu

echo $$ >"$1/cgroup.procs"
shift
exec "$@"
