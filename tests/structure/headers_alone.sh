#!/usr/bin/env bash
# Compiles every header by itself: headers_alone.sh ROOT COMPILER. Headers that only nvcc reads (.cuh) are left out.
set -u
root=$1 compiler=$2
cd "$root" || exit 1
[ "$(uname -m)" = x86_64 ] && machine=-march=x86-64-v3 || machine=
mapfile -t headers < <(find kernels engine host tests bench -name '*.h' | sort)
[ "${#headers[@]}" -gt 20 ] || { echo "only ${#headers[@]} headers found under $root"; exit 1; }
check() {
  printf '#include "%s"\n#include "%s"\n' "$1" "$1" |
    "$compiler" -std=c++20 $machine -I. -DEQUIPOISE_SOURCE_DIR='"."' -DEQUIPOISE_PROGRAM='"."' -Wall -Wextra -Werror -fsyntax-only -x c++ - || { echo "does not compile alone: $1"; return 1; }
}
export -f check
export compiler machine
printf '%s\n' "${headers[@]}" | xargs -P 2 -I{} bash -c 'check {}' || exit 1
echo "${#headers[@]} headers compile alone"
