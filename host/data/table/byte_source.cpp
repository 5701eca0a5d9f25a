// host/data/table/byte_source.cpp - read(2) and zlib's inflate.
#include "host/data/table/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "engine/base/error.h"

namespace equipoise {
namespace {

constexpr size_t kRawBlock = size_t{1} << 16;
constexpr std::string_view kGzipMagic = "\x1F\x8B";
constexpr int kGzipWindow = 15 + 16;  // zlib: the largest window, and gzip's header

[[noreturn]] void refuse_size(const std::string& name, size_t bytes, size_t limit) {
  throw Error(ExitCode::data, fmt::format("{}: the file has {}{} bytes, more than the limit of {}; split the table",
                                          name, bytes > limit ? "" : "more than ", bytes, limit));
}

}  // namespace

void ByteSource::End::operator()(z_stream_s* state) const noexcept {
  inflateEnd(state);
  delete state;
}

ByteSource::ByteSource(const std::filesystem::path& path, std::string name, size_t limit)
    : name_(std::move(name)), path_(path), file_(open_file(path, O_RDONLY)), limit_(limit) {
  struct stat status {};
  if (fstat(file_.get(), &status) != 0) throw_file_error(path, "look at", errno);
  seekable_ = S_ISREG(status.st_mode);
  if (seekable_) size_ = static_cast<size_t>(status.st_size);
  start();
}

ByteSource::ByteSource(std::string_view bytes, std::string name, size_t limit)
    : name_(std::move(name)), memory_(bytes), limit_(limit), size_(bytes.size()), from_memory_(true) {
  start();
}

ByteSource::~ByteSource() = default;

void ByteSource::start() {
  refill();
  if (packed_bytes_.starts_with(kGzipMagic)) {
    auto state = std::make_unique<z_stream>();
    if (inflateInit2(state.get(), kGzipWindow) != Z_OK) throw std::bad_alloc();
    inflater_.reset(state.release());
    member_open_ = true;
  } else if (size_ > limit_) {
    refuse_size(name_, size_, limit_);
  }
}

/// The next bytes of the file itself, all that were asked for unless it ends.
size_t ByteSource::read_raw(char* to, size_t bytes) {
  size_t have = 0;
  while (have < bytes && !raw_ended_) {
    size_t count = 0;
    if (from_memory_) {
      count = std::min(memory_.size(), bytes - have);
      std::memcpy(to + have, memory_.data(), count);
      memory_.remove_prefix(count);
    } else {
      const ssize_t got = ::read(file_.get(), to + have, bytes - have);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw_file_error(path_, "read", errno);
      count = static_cast<size_t>(got);
    }
    if (count == 0) raw_ended_ = true;
    have += count;
  }
  sha_.update(to, have);
  return have;
}

void ByteSource::refill() {
  packed_bytes_.resize(kRawBlock);
  packed_bytes_.resize(read_raw(packed_bytes_.data(), kRawBlock));
  packed_at_ = 0;
}

size_t ByteSource::read_packed(char* to, size_t bytes) {
  z_stream& state = *inflater_;
  state.next_out = reinterpret_cast<Bytef*>(to);
  state.avail_out = static_cast<uInt>(std::min<size_t>(bytes, 1U << 30));
  const size_t asked = state.avail_out;
  while (state.avail_out > 0) {
    if (packed_at_ == packed_bytes_.size()) refill();
    const std::string_view rest = std::string_view(packed_bytes_).substr(packed_at_);
    if (!member_open_) {  // another member follows, or zeros with which some programs fill blocks
      if (rest.empty()) break;
      if (rest.front() == '\0') {
        ++packed_at_;
        continue;
      }
      if (rest.front() != kGzipMagic.front() || inflateReset(&state) != Z_OK)
        throw Error(ExitCode::data, name_ + ": bytes that gzip did not write follow the packed table; pack it again");
      member_open_ = true;
    }
    if (rest.empty()) throw Error(ExitCode::data, name_ + ": the packed file ends too early; copy it again");
    state.next_in = reinterpret_cast<Bytef*>(packed_bytes_.data() + packed_at_);
    state.avail_in = static_cast<uInt>(rest.size());
    const int status = inflate(&state, Z_NO_FLUSH);
    packed_at_ = packed_bytes_.size() - state.avail_in;
    if (status == Z_STREAM_END) member_open_ = false;
    else if (status == Z_MEM_ERROR) throw std::bad_alloc();
    else if (status != Z_OK && status != Z_BUF_ERROR)
      throw Error(ExitCode::data, fmt::format("{}: the packed file is damaged ({}); copy it again", name_,
                                              state.msg ? state.msg : "not gzip's format"));
  }
  return asked - state.avail_out;
}

size_t ByteSource::read(char* to, size_t bytes) {
  size_t have = 0;
  if (packed()) {
    have = read_packed(to, bytes);
  } else {
    have = std::min(bytes, packed_bytes_.size() - packed_at_);  // what start() has looked at
    std::memcpy(to, packed_bytes_.data() + packed_at_, have);
    packed_at_ += have;
    if (have < bytes) have += read_raw(to + have, bytes - have);
  }
  given_ += have;
  if (given_ > limit_) refuse_size(name_, limit_, limit_);
  return have;
}

}  // namespace equipoise
