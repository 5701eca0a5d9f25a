#!/usr/bin/env bash
# Data apart from algorithms: who builds a graph, carries a program about or runs one does not preprocess a kernel's
# body. light_headers.sh ROOT COMPILER; or light_headers.sh --planted COMPILER, which must find faults in a small tree.
set -u
forbidden='kernels/(ops/|balance/|program/operation\.h|run/interpreter\.h)'
allowed='kernels/(ops/forms|balance/(chain|method))\.h$'
headers='engine/graph/graph.h engine/lower/program.h engine/lower/lower.h engine/run/executor.h'

# check FILE: names the forbidden headers that the preprocessor reaches from it.
check() {
  local reached found
  reached=$("$compiler" -std=c++20 -I. -MM -MG -x c++ "$1") || { echo "cannot be preprocessed: $1"; return 1; }
  found=$(tr -s ' \\' '\n\n' <<< "$reached" | grep -E "^(\./)?$forbidden" | grep -vE "$allowed")
  [ -z "$found" ] && return
  echo "$1 reads the bodies of" $found
  return 1
}
export -f check
export forbidden allowed
check_tree() {  # in the current folder
  { printf '%s\n' $headers; find host -name '*.h' -o -name '*.cpp'; } | xargs -P 2 -I{} bash -c 'check {}'
}

export compiler=$2
if [ "$1" != --planted ]; then
  cd "$1" || exit 1
  [ "$(find host -name '*.cpp' | wc -l)" -gt 20 ] || { echo "hardly a host file found under $1"; exit 1; }
  check_tree || exit 1
  echo "host and the light headers read no kernel's body"
  exit 0
fi

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree" || exit 1
for file in $headers kernels/ops/{forms,gram}.h kernels/balance/{chain,method,mgda}.h kernels/balance/solve/min_norm.h \
  kernels/program/operation.h kernels/run/interpreter.h; do
  mkdir -p "$(dirname "$file")"
  printf '#pragma once  // %s\n' "$file" > "$file"  # g++ takes equal files for one
done
mkdir host
echo '#include "engine/run/executor.h"' > host/a.cpp
for header in kernels/ops/forms.h kernels/balance/chain.h kernels/balance/method.h; do
  echo "#include \"$header\"" >> engine/run/executor.h
done
check_tree || { echo "a clean tree was refused"; exit 1; }
for header in kernels/ops/gram.h kernels/balance/mgda.h kernels/balance/solve/min_norm.h kernels/program/operation.h \
  kernels/run/interpreter.h; do
  for file in $headers; do
    cp "$file" kept
    echo "#include \"$header\"" >> "$file"
    check_tree > /dev/null && { echo "not found: $header in $file"; exit 1; }
    mv kept "$file"
  done
  echo "#include \"$header\"" > host/b.h
  check_tree > /dev/null && { echo "not found: $header in host/b.h"; exit 1; }
  rm host/b.h
done
echo "every planted body was found"
