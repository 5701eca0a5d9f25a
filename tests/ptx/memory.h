// tests/ptx/memory.h - buffers of the machine, with what is known of each byte and each word: whether it was written,
// and who touched it last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/ptx/module.h"

namespace equipoise::ptx {

using Time = uint32_t;    ///< counts barriers and what else orders threads; accesses between two have the same
using Thread = uint32_t;  ///< block * kMostThreads + number in it
inline constexpr uint32_t kMostThreads = 1024;
inline constexpr int kMostWarps = kMostThreads / kLanes;

/// Lanes of a warp by when they last read a word: the newest group first. Who reads again leaves its older group; of
/// more than three groups the oldest two become one, with the later time.
struct Readers {
  static constexpr int kGroups = 3;
  Mask lanes[kGroups] = {};
  Time time[kGroups] = {};
  void add(Mask who, Time now);
  void restart(Mask who, Time now);
};

/// Accesses to a word: the last write, and the reads since.
struct Word {
  static constexpr uint32_t kSeveralBlocks = 0xffffffffu, kSeveralWarps = 0xff;
  Time write_time = 0;
  Thread writer = 0;
  Time read_time = 0;   ///< of the last read
  uint32_t reader = 0;  ///< block << 8 | its warp or kSeveralWarps; or kSeveralBlocks
  Readers readers;      ///< where it was one warp
};

/// Words side by side. `by_warp`, for launches in which more than whole barriers orders threads, holds the readers of
/// each warp where several read.
struct Page {
  static constexpr uint32_t kWords = 256;
  Word words[kWords];
  std::unique_ptr<Readers[]> by_warp[kMostWarps];
};

struct Region {
  std::string name;
  uint64_t base = 0;
  std::vector<std::byte> bytes;
  std::vector<uint8_t> written;  ///< by byte
  std::vector<std::unique_ptr<Page>> pages;
  /// By word: of which block's time since its last barrier it is known that several warps read the word and nobody
  /// wrote it, so that one read more tells nothing.
  std::vector<Time> settled;
  bool read_only = false;

  Region(std::string what, uint64_t address, std::size_t size);
  uint64_t size() const { return bytes.size(); }
  Page& page(uint64_t word) {
    std::unique_ptr<Page>& page = pages[word / Page::kWords];
    if (!page) page = std::make_unique<Page>();
    return *page;
  }
};

/// Global memory: buffers with wide gaps between.
class Memory {
 public:
  uint64_t allocate(const std::string& name, std::size_t bytes);
  void release(uint64_t address);
  void add(std::unique_ptr<Region> region);  ///< at an address of its own
  /// The buffer that holds the address; null: none.
  Region* find(uint64_t address);
  /// Where an address that is in no buffer lies: "24 bytes past the end of state".
  std::string nearest(uint64_t address) const;
  /// From and to the host, without the checks of a kernel. Throws std::out_of_range.
  void write(uint64_t address, const void* from, std::size_t bytes);
  void read(uint64_t address, void* to, std::size_t bytes);
  /// What lies there counts as never written.
  void forget(uint64_t address, std::size_t bytes);
  /// Takes bytes from its end, for good.
  void truncate(uint64_t address, std::size_t bytes);
  void name(uint64_t address, const std::string& name);

 private:
  std::map<uint64_t, std::unique_ptr<Region>> regions_;  // by base
  uint64_t next_ = kGlobalWindow;
};

}  // namespace equipoise::ptx
