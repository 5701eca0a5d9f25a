#!/usr/bin/env bash
# The include check must find each fault planted in a small tree: planted_includes.sh CHECK
set -u
check=$1
plant() {  # FILE INCLUDE
  local tree
  tree=$(mktemp -d)
  mkdir -p "$tree"/{kernels,engine,host,tests/reference,bench}
  echo "#include $2" > "$tree/$1"
  if bash "$check" "$tree" > /dev/null 2>&1; then
    echo "not found: $2 in $1"
    rm -rf "$tree"
    exit 1
  fi
  rm -rf "$tree"
}
plant kernels/a.h '"engine/graph/graph.h"'
plant kernels/a.cu '<fmt/format.h>'
plant engine/a.cpp '"host/config/config.h"'
plant engine/a.h '<cuda_runtime.h>'
plant host/a.cpp '"tests/reference/gram.h"'
plant tests/reference/gram.h '"kernels/ops/gram.h"'
plant bench/a.cpp '"host/data/table/table.h"'
clean=$(mktemp -d)
mkdir -p "$clean"/{kernels,engine,host,tests/reference,bench}
echo '#include "kernels/base/team.h"' > "$clean/engine/a.h"
bash "$check" "$clean" || { echo "a clean tree was refused"; exit 1; }
rm -rf "$clean"
echo "every planted include was found"
