// kernels/fn.h - marks a function that runs on any team: on host threads when a C++ compiler reads it, on CUDA threads
// when nvcc does. The same source is compiled twice, never with a different meaning.
#pragma once

#if defined(__CUDACC__)
#define EQ_FN __device__ __forceinline__
#define EQ_CALL __device__ __forceinline__  // a body of its own where calls are cheap (CPU), inlined where they are not
#define EQ_UNROLL _Pragma("unroll")         // before a loop over a small array, which then stays in registers
#else
#define EQ_FN inline __attribute__((always_inline))
#define EQ_CALL __attribute__((noinline))
#define EQ_UNROLL
#endif
