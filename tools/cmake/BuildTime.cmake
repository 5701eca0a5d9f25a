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

# Sources that run seldom or wait for others: -O1 where all that computes has its build type's own level.
function(optimize_little)
  if(CMAKE_BUILD_TYPE STREQUAL Release)
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS -O1)
  endif()
endfunction()

# Sources that compute all the time: -O1 where the build type optimises nothing, as the preset asan's.
function(optimize_always)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  if("${CMAKE_CXX_FLAGS_${type}}" MATCHES "-O0" OR type STREQUAL DEBUG)
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS -O1)
  endif()
  set_property(SOURCE ${ARGN} PROPERTY SKIP_PRECOMPILE_HEADERS ON)  # a compiler takes those of one level alone
endfunction()
