// host/data/table/byte_source.h - the bytes of a file, a pipe or a memory block, unpacked and hashed as they pass.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "engine/files/file_descriptor.h"
#include "engine/files/sha256.h"

struct z_stream_s;  // zlib's state

namespace equipoise {

/// Reads forward only. What gzip packed (RFC 1952, several members too) comes out unpacked.
class ByteSource {
 public:
  /// Throws Error(file_system) if the file cannot be opened, Error(data) if it holds more than `limit` bytes.
  ByteSource(const std::filesystem::path& path, std::string name, size_t limit);
  /// `bytes` must live as long as the source.
  ByteSource(std::string_view bytes, std::string name, size_t limit);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Fills `to` and returns how many bytes it holds: fewer only at the end. Throws Error(data) on a packed file that is
  /// damaged or cut off, and when more than the limit comes out.
  size_t read(char* to, size_t bytes);

  /// Of the file's own bytes, once all are read.
  std::string sha256() const { return sha_.hex(); }
  /// Whether it can be read again.
  bool seekable() const { return seekable_; }
  bool packed() const { return inflater_ != nullptr; }
  /// Bytes that will come, where the source knows; 0 of pipes and packed files.
  size_t expected_bytes() const { return packed() ? 0 : size_; }

 private:
  struct End {
    void operator()(z_stream_s* state) const noexcept;
  };
  size_t read_raw(char* to, size_t bytes);
  size_t read_packed(char* to, size_t bytes);
  void refill();
  void start();

  std::string name_;
  std::filesystem::path path_;
  FileDescriptor file_;
  std::string_view memory_;
  size_t limit_, size_ = 0, given_ = 0;
  bool seekable_ = true, from_memory_ = false;
  Sha256 sha_;
  std::unique_ptr<z_stream_s, End> inflater_;
  std::string packed_bytes_;  ///< read, and from packed_at_ on not yet unpacked or given
  size_t packed_at_ = 0;
  bool member_open_ = false, raw_ended_ = false;
};

}  // namespace equipoise
