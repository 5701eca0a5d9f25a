#!/usr/bin/env bash
# No source file over 400 lines without a reason given here: file_lengths.sh ROOT
set -u
cd "$1" || exit 1
declare -A reason=()
bad=0
while read -r lines file; do
  [ "$file" = total ] && continue
  if [ "$lines" -gt 400 ] && [ -z "${reason[$file]:-}" ]; then
    echo "$file has $lines lines: split it, or give a reason in tests/structure/file_lengths.sh"
    bad=1
  fi
done < <(find kernels engine host tests bench tools -type f \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' -o -name '*.sh' -o -name '*.py' \) -print0 | xargs -0 wc -l)
[ "$bad" = 0 ] && echo "all files are small"
exit "$bad"
