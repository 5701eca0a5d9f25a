# The flags behind rule R1 (equal bits on every machine): no contraction of a*b+c behind our back, IEEE division and
# square root, no flush to zero, and an instruction set in which std::fma is one instruction.
add_library(equipoise_strict INTERFACE)
add_library(equipoise::strict ALIAS equipoise_strict)
target_include_directories(equipoise_strict INTERFACE ${CMAKE_SOURCE_DIR})

# g++ 12 reports a false stringop-overflow inside fmt at -O3, and clang tells of loops that it does not vectorise at -O1.
set(host_flags -ffp-contract=off -fno-math-errno -fno-trapping-math)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND host_flags -march=x86-64-v3 -mtune=generic)
endif()
target_compile_options(equipoise_strict INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:${host_flags};-Wall;-Wextra;-Wshadow;-Wno-unknown-warning-option;-Wno-stringop-overflow;-Wno-pass-failed>"
  "$<$<COMPILE_LANGUAGE:CUDA>:-fmad=false;-prec-div=true;-prec-sqrt=true;-ftz=false;-Xcompiler=-ffp-contract=off;-Xcompiler=-Wall;-Xcompiler=-Wextra>")
if(EQUIPOISE_WERROR)
  target_compile_options(equipoise_strict INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Werror> $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
endif()
if(EQUIPOISE_SANITIZE)
  target_compile_options(equipoise_strict INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${EQUIPOISE_SANITIZE};-fno-omit-frame-pointer;-g1>)
  target_link_options(equipoise_strict INTERFACE -fsanitize=${EQUIPOISE_SANITIZE})
endif()
if(EQUIPOISE_FUZZ)  # what the fuzzers' targets link with counts its branches, too
  target_compile_options(equipoise_strict INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=fuzzer-no-link>)
endif()
