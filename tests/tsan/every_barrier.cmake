# tests/tsan/every_barrier.cmake - leaves out each barrier in turn and expects ThreadSanitizer to report a data race.
# Usage: cmake -DPROGRAM=... -DSYSTEM=... -DPREFIX=... -P every_barrier.cmake
execute_process(COMMAND ${PREFIX} ${PROGRAM} ${SYSTEM} --barriers OUTPUT_VARIABLE count RESULT_VARIABLE failed
                OUTPUT_STRIP_TRAILING_WHITESPACE)
if(failed OR NOT count MATCHES "^[0-9]+$" OR count LESS 2)
  message(FATAL_ERROR "${PROGRAM} ${SYSTEM} --barriers gave '${count}' and exit code ${failed}")
endif()
set(ENV{TSAN_OPTIONS} "halt_on_error=1:exitcode=66")
math(EXPR last "${count} - 1")
set(missed "")
foreach(barrier RANGE ${last})
  # ThreadSanitizer remembers few accesses of a place, so one run may pass by a race: five that see none count.
  foreach(attempt RANGE 1 5)
    execute_process(COMMAND ${PREFIX} ${PROGRAM} ${SYSTEM} --without-barrier ${barrier}
                    RESULT_VARIABLE code OUTPUT_QUIET ERROR_VARIABLE report TIMEOUT 120)
    if(code EQUAL 66 AND report MATCHES "WARNING: ThreadSanitizer: data race")
      break()
    endif()
  endforeach()
  if(NOT code EQUAL 66 OR NOT report MATCHES "WARNING: ThreadSanitizer: data race")
    list(APPEND missed "${barrier} (exit ${code})")
  endif()
endforeach()
if(missed)
  message(FATAL_ERROR "no race was reported without barrier ${missed} of ${count}")
endif()
message(STATUS "a race was reported without any one of ${count} barriers")
