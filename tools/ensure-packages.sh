# tools/ensure-packages.sh - sourced by tools/demo and tools/check: makes sure Debian packages are there.
#   ensure_packages PACKAGE...   installs what is missing with apt-get, saying what; without root, names it and stops.

build_packages=(g++ cmake ninja-build libfmt-dev nlohmann-json3-dev libtomlplusplus-dev libcli11-dev libcsv-dev zlib1g-dev libssl-dev
  libopencv-ml-dev libboost-math-dev)

ensure_packages() {
  if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
    echo "This machine has no apt. If the build fails, install the equivalents of: $*"
    return 0
  fi
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null | grep -qx installed || missing+=("$package")
  done
  [ "${#missing[@]}" = 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
      as_root=(sudo -n)
    else
      echo "Missing packages, and no root rights to install them. Ask for:"
      echo "  apt-get install ${missing[*]}"
      return 1
    fi
  fi
  echo "Installing through apt: ${missing[*]}"
  local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}")
  local log
  log=$(mktemp)
  if "${install[@]}" > "$log" 2>&1 || { "${as_root[@]}" apt-get update -qq > "$log" 2>&1 && "${install[@]}" >> "$log" 2>&1; }; then
    rm -f "$log"
    return 0
  fi
  tail -n 20 "$log"
  echo "apt-get could not install: ${missing[*]} (full log: $log)"
  return 1
}

# Prints nvcc's path if a CUDA toolkit is there.
find_nvcc() { command -v nvcc || { [ -x /usr/local/cuda/bin/nvcc ] && echo /usr/local/cuda/bin/nvcc; }; }
