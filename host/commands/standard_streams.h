// host/commands/standard_streams.h - standard input, output and error that are there.
#pragma once

namespace equipoise {

/// Opens /dev/null in the place of standard streams that are closed, the other way about: reading from the first and
/// writing to the others fails as on a closed one, but no file that is opened later can take their numbers, and so no
/// log can end up in it. Before anything else is opened.
void keep_standard_streams_apart() noexcept;

}  // namespace equipoise
