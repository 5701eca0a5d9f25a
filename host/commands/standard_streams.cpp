// host/commands/standard_streams.cpp - the lowest free number is given to what is opened next.
#include "host/commands/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <initializer_list>

namespace equipoise {

void keep_standard_streams_apart() noexcept {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    const int opened = ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (opened > STDERR_FILENO) ::close(opened);  // streams are looked at in their order, so this does not happen
  }
}

}  // namespace equipoise
