// engine/generate/kernel_headers.h - the headers that made code includes, as they were when this program was built: a
// kernel can be compiled where no source tree is. The build writes the definition (tools/cmake/EmbedHeaders.cmake).
#pragma once

#include <span>

namespace equipoise {

struct KernelHeader {
  const char* name;  ///< as it is included, "kernels/run/generated.cuh"
  const char* text;
};

std::span<const KernelHeader> kernel_headers();

}  // namespace equipoise
