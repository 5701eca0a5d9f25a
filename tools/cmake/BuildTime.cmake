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
set(standard_headers <algorithm> <cmath> <cstdint> <cstring> <filesystem> <fstream> <functional> <map> <memory> <optional>
  <random> <set> <span> <sstream> <string> <thread> <unordered_map> <variant> <vector>)
set(text_headers <fmt/format.h> <fmt/ranges.h>)
set(json_headers <nlohmann/json.hpp>)

# Sources that run seldom or wait for others: -O1 where all that computes has its build type's own level; -O0 under the
# address sanitizer, whose checks take the compiler longer to optimise than the tests to run.
function(optimize_little)
  if(EQUIPOISE_SANITIZE MATCHES address)
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS -O0)
  elseif(CMAKE_BUILD_TYPE STREQUAL Release)
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS -O1)
  endif()
endfunction()
