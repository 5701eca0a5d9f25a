// kernels/base/fn.h - marks a function that runs on any team: on host threads when a C++ compiler reads it, on CUDA
// threads when nvcc does. The same source is compiled twice, never with a different meaning.
#pragma once

#if defined(__CUDACC__)
#define EQ_FN __device__ __forceinline__
#define EQ_CALL __device__ __forceinline__  // a body of its own where calls are cheap (CPU), inlined where they are not
#define EQ_COLD inline __device__ __noinline__  // a body with registers of its own, for what is long and seldom
#define EQ_SIZE __host__ __device__ __forceinline__ constexpr  // a size, which asserts ask for as well
#if defined(EQ_MADE_CODE)
#define EQ_APART EQ_FN  // a body with registers of its own, but for made code: of a constant little is left there
#define EQ_FEW          // turns are constants, too
#else
#define EQ_APART EQ_COLD
#define EQ_FEW _Pragma("unroll 1")  // before a loop over what an operation lists
#endif
#define EQ_ROLLED _Pragma("unroll 1")  // before a loop of a turn or two, of which nvcc would make four at a time
#if defined(__CUDA_ARCH__)
#define EQ_ASSUME(fact) __builtin_assume(fact)  // what a compiler cannot know
#else
#define EQ_ASSUME(fact)  // nvcc's host compiler, which reads device code without making any
#endif
#define EQ_UNROLL _Pragma("unroll")  // before a loop over a small array, which then stays in registers
#define EQ_ONE_REGISTER(p) asm("" : "+l"(p))  // for a pointer that walks: nvcc would keep a copy for each field read
#define EQ_IVDEP
#define EQ_VECTOR
#else
#define EQ_FN inline __attribute__((always_inline))
#define EQ_CALL __attribute__((noinline))
#define EQ_COLD inline __attribute__((noinline))
#define EQ_APART EQ_COLD
#define EQ_ASSUME(fact)
#define EQ_SIZE EQ_FN constexpr
#define EQ_UNROLL
#define EQ_ROLLED
#define EQ_FEW
#define EQ_ONE_REGISTER(p)
#if defined(__clang__)
#define EQ_IVDEP \
  _Pragma("clang loop vectorize(assume_safety)")  // before a long loop whose turns touch different memory
#define EQ_VECTOR
#else
#define EQ_IVDEP _Pragma("GCC ivdep")
// The same before a loop of known length, which g++ would else unroll into scalars before it looks for vectors.
#define EQ_VECTOR _Pragma("GCC unroll 1") _Pragma("GCC ivdep")
#endif
#endif
