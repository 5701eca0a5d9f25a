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

/// Accesses to 256 words: the last write, and the reads since, warp by warp of one block.
struct Page {
  static constexpr uint32_t kWords = 256;
  static constexpr uint32_t kNobody = 0xffffffffu, kSeveral = 0xfffffffeu;
  /// Lanes of a warp by when they last read a word: the newest group first. Who reads again leaves its older group;
  /// of more than three groups the oldest two become one, with the later time.
  struct Readers {
    static constexpr int kGroups = 3;
    Mask lanes[kGroups][kWords] = {};
    Time time[kGroups][kWords] = {};
    void add(std::size_t word, Mask who, Time now);
  };
  Time write_time[kWords] = {};
  Thread writer[kWords] = {};
  Time read_time[kWords] = {};       ///< of the last
  uint32_t read_block[kWords];       ///< whose reads `readers` holds
  std::unique_ptr<Readers> readers[kMostWarps];
  Page();
};

struct Region {
  std::string name;
  uint64_t base = 0;
  std::vector<std::byte> bytes;
  std::vector<uint8_t> written;  ///< by byte
  std::vector<std::unique_ptr<Page>> pages;
  bool read_only = false;

  Region(std::string what, uint64_t address, std::size_t size);
  uint64_t size() const { return bytes.size(); }
  Page& page(uint64_t word);
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
  void name(uint64_t address, const std::string& name);

 private:
  std::map<uint64_t, std::unique_ptr<Region>> regions_;  // by base
  uint64_t next_ = kGlobalWindow;
};

}  // namespace equipoise::ptx
