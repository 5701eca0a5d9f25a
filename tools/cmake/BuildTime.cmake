# What makes a build from nothing shorter and changes nothing of what is built.

# A faster linker, where there is one.
include(CheckLinkerFlag)
foreach(linker mold lld)
  check_linker_flag(CXX -fuse-ld=${linker} EQUIPOISE_LINKS_WITH_${linker})
  if(EQUIPOISE_LINKS_WITH_${linker})
    add_link_options($<$<LINK_LANGUAGE:CXX>:-fuse-ld=${linker}>)
    break()
  endif()
endforeach()

# Precompiled headers. A compiler cache would not hold what is compiled with one, so with a cache there are none: that
# also shows that every source includes what it uses.
if(CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()
set(standard_headers <algorithm> <cmath> <cstdint> <cstring> <filesystem> <fstream> <functional> <map> <memory>
  <optional> <random> <set> <span> <sstream> <string> <thread> <unordered_map> <variant> <vector>)
set(text_headers <fmt/format.h> <fmt/ranges.h>)
set(json_headers <nlohmann/json.hpp>)

# Targets that run seldom or wait for others: less than the build type's own level where all that computes has it.
# A level belongs to a target, since g++ 12 compiles what follows a precompiled header at that header's level, whatever
# the source's own flags say.
function(optimize_little target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    set(little -Og)
  else()
    set(little -O1)
  endif()
  target_compile_options(${target} PRIVATE $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release>>:${little}>)
endfunction()

# Sources of such a target that compute or read a great deal: the build type's level.
function(optimize_fully)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  string(REGEX MATCH "-O[1-9s]" level "${CMAKE_CXX_FLAGS_${type}}")
  if(level)
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS ${level})
    set_property(SOURCE ${ARGN} PROPERTY SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()

# Sources that compute all the time: the same, and -O1 where the build type optimises nothing, as the preset asan's.
function(optimize_always)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  if("${CMAKE_CXX_FLAGS_${type}}" MATCHES "-O[1-9s]")
    optimize_fully(${ARGN})
  else()
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS -O1)
    set_property(SOURCE ${ARGN} PROPERTY SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()

# In a sanitized build, which is at -O0 and spends its time reading headers: sources of a target six at a time. Names
# without linkage then meet in one translation unit; the other builds show that each source stands alone.
function(read_together target)
  if(EQUIPOISE_SANITIZE)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
  endif()
endfunction()
