# cmake -DROOT=FILE -DSOURCE_DIR=DIR -DOUTPUT=FILE -P EmbedHeaders.cmake
# Writes a C++ file with the text of a header and of all headers of this tree that it includes, for compiling kernels
# where no source tree is.
cmake_minimum_required(VERSION 3.25)
set(waiting ${ROOT})
set(known ${ROOT})
set(entries "")
while(waiting)
  list(POP_FRONT waiting header)
  file(READ ${SOURCE_DIR}/${header} text)
  string(APPEND entries "    {\"${header}\", R\"eq_header(${text})eq_header\"},\n")
  string(REGEX MATCHALL "#include \"[^\"]+\"" includes "${text}")
  foreach(include ${includes})
    string(REGEX REPLACE "#include \"([^\"]+)\"" "\\1" name ${include})
    if(NOT name IN_LIST known)
      list(APPEND known ${name})
      list(APPEND waiting ${name})
    endif()
  endforeach()
endwhile()
file(WRITE ${OUTPUT} "// Written by tools/cmake/EmbedHeaders.cmake.
#include \"engine/generate/kernel_headers.h\"

namespace equipoise {

std::span<const KernelHeader> kernel_headers() {
  static constexpr KernelHeader all[] = {
${entries}  };
  return all;
}

}  // namespace equipoise
")
