# tools/build-progress.sh - sourced by tools/demo and tools/check: how far a build is, and the help of a script.
#   show_progress LOG COMMAND...   runs a build, keeps all that it prints in LOG, and says how many of its steps are done:
#                                  on a terminal in one line drawn again, elsewhere in at most ten lines
#   print_help SCRIPT              prints the comment that a script begins with

show_progress() {
  local log=$1 redraw=no line told=0 tenths
  shift
  [ -t 1 ] && redraw=yes
  NINJA_STATUS='[%f/%t] ' "$@" 2>&1 | {
    while IFS= read -r line || [ -n "$line" ]; do
      printf '%s\n' "$line" >&3
      [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\  ]] || continue
      tenths=$((10 * BASH_REMATCH[1] / BASH_REMATCH[2]))
      if [ "$redraw" = yes ]; then
        printf '\r\033[K  built %d of %d' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
      elif ((tenths > told)); then
        told=$tenths
        printf '  built %d of %d\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
      fi
    done
    [ "$redraw" = no ] || printf '\r\033[K'
  } 3> "$log"
  return "${PIPESTATUS[0]}"
}

print_help() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$1"; }
