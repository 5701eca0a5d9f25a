#!/usr/bin/env bash
# host -> engine -> kernels, never back; nobody includes tests or bench; the reference includes neither kernels nor
# engine; kernels know no third-party library; no host library in a .cu file. include_directions.sh ROOT
set -u
cd "$1" || exit 1
bad=0
# forbid FOLDER PATTERN WHY [extra grep options]: no source in FOLDER may include what matches PATTERN
forbid() {
  local found
  found=$(grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[\"<]($2)" "$1" --include='*.h' --include='*.cpp' --include='*.cu' --include='*.cuh' "${@:4}")
  [ -z "$found" ] && return
  echo "$3:"
  echo "$found"
  bad=1
}
forbid kernels '(engine|host|tests|bench)/' 'kernels include only kernels'
forbid kernels '(fmt|spdlog|nlohmann|toml|CLI|csv\.h|openssl|boost)' 'kernels know no host library'
forbid engine '(host|tests|bench)/' 'engine includes only engine and kernels'
forbid engine '(toml|CLI|csv\.h|cuda|cooperative_groups|cublas|curand)' 'engine knows no command line and no CUDA header'
forbid host '(tests|bench)/' 'host includes only host, engine and kernels'
forbid tests/reference '(engine|kernels|host|bench)/' 'the reference stands alone' --exclude='*_test.cpp'
forbid bench '(tests|host)/' 'benchmarks include only bench, engine and kernels, that of the reader host too' --exclude=load_bench.cpp
cu=$(find . -path ./build -prune -o \( -name '*.cu' -o -name '*.cuh' \) -print | xargs -r grep -nE '#include[[:space:]]*[<"](fmt|spdlog|nlohmann|toml|CLI|csv\.h|openssl|boost)')
[ -n "$cu" ] && { echo "host libraries stay out of .cu files:"; echo "$cu"; bad=1; }
[ "$bad" = 0 ] && echo "includes point one way"
exit "$bad"
