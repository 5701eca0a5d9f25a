#!/usr/bin/env bash
# Compiles every header by itself: headers_alone.sh ROOT COMPILER. Headers that only nvcc reads (.cuh) are left out.
set -u
root=$1 compiler=$2
cd "$root" || exit 1
[ "$(uname -m)" = x86_64 ] && machine=-march=x86-64-v3 || machine=
mapfile -t headers < <(find kernels engine host tests bench -name '*.h' | sort)
[ "${#headers[@]}" -gt 20 ] || { echo "only ${#headers[@]} headers found under $root"; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
flags="-std=c++20 $machine -I. -Wall -Wextra -Werror"
# Headers that get GoogleTest find it precompiled: it is half of what they cost.
echo '#include <gtest/gtest.h>' > "$scratch/gtest.h"
"$compiler" $flags -x c++-header "$scratch/gtest.h" -o "$scratch/gtest.h.gch" || exit 1
check() {
  case $1 in tests/reference/*) first= ;; tests/*) first="-include $scratch/gtest.h" ;; *) first= ;; esac
  printf '#include "%s"\n#include "%s"\n' "$1" "$1" |
    "$compiler" $flags $first -DEQUIPOISE_SOURCE_DIR='"."' -DEQUIPOISE_PROGRAM='"."' \
      -DEQUIPOISE_FAKE_NVRTC='"."' -fsyntax-only -x c++ - ||
    { echo "does not compile alone: $1"; return 1; }
}
export -f check
export compiler flags scratch
printf '%s\n' "${headers[@]}" | xargs -P 2 -I{} bash -c 'check {}' || exit 1
echo "${#headers[@]} headers compile alone"
