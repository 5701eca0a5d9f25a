// tests/ptx/checks.cpp - what the machine asks of every access: bounds, alignment, memory that was written, and an
// order between what different threads do to a word.
#include <algorithm>

#include "tests/ptx/lanes.h"
#include "tests/ptx/machine.h"

namespace equipoise::ptx {

const char* name_of(Check check) {
  switch (check) {
    case Check::bounds:
      return "out of bounds";
    case Check::uninitialised:
      return "read before it was written";
    case Check::alignment:
      return "misaligned";
    case Check::race:
      return "race";
    case Check::deadlock:
      return "deadlock";
    case Check::divergence:
      return "divergent barrier";
    case Check::trap:
      return "trap";
  }
  return "";
}

namespace {

std::string thread_text(const LaunchShape& shape, Thread thread) {
  return "thread " + std::to_string(thread % kMostThreads) + (shape.grid.count() > 1 ? " of block " + std::to_string(thread / kMostThreads) : "");
}
Thread thread_of(const Warp& w, int lane) { return w.block->number * kMostThreads + static_cast<Thread>(w.number * kLanes + lane); }
std::string place_in(const Region& region, uint64_t offset) { return "byte " + std::to_string(offset) + " of " + region.name; }

}  // namespace

void Machine::fault(Check check, const Warp& w, const Instruction& i, int lane, const std::string& what) const {
  std::string text = std::string(name_of(check)) + ": " + what + "\n  by " + thread_text(shape_, thread_of(w, lane)) + " of " + entry_->name +
                     "\n  PTX line " + std::to_string(i.line) + ": " + module_->texts[static_cast<std::size_t>(i.text_number)] + "\n  source " + module_->source_of(i);
  if (phase) text += "\n  " + phase(*w.block);
  if (const std::string operation = module_->file_of(i, "kernels/ops/"); !operation.empty())
    text += "\n  operation " + operation.substr(operation.find("kernels/ops/"));
  throw Fault(check, text);
}

Region& Machine::region_of(Warp& w, const Instruction& i, uint64_t address, Space space, int lane) {
  if (space == Space::shared || (space == Space::generic && (address & kWindowMask) == kSharedWindow)) {
    const uint64_t offset = address & ~kWindowMask, rank = offset / kSharedApart;
    const uint32_t own = w.block->number % shape_.cluster;
    // Without a window an address in the space itself is the block's own, unless it was mapped.
    if (rank == own || (space == Space::shared && i.modifier == 0)) return *w.block->shared;
    const uint32_t first = w.block->number - own;
    for (const auto& block : blocks_)
      if (rank < shape_.cluster && block->number == first + rank) return *block->shared;
    fault(Check::bounds, w, i, lane, "shared memory of block " + std::to_string(rank) + ", which the cluster has not or which has ended");
  }
  if (space == Space::param || (space == Space::generic && (address & kWindowMask) == kParamWindow)) return *parameters_;
  Region* const region = memory.find(address);
  if (!region) fault(Check::bounds, w, i, lane, "an address " + memory.nearest(address));
  return *region;
}

void Machine::access(Warp& w, const Instruction& i, const uint64_t* addresses, Space space, int bytes, bool write, std::byte** where) {
  ++counts.accesses;
  if (observer) observer->access(w, i, space, addresses, w.mask, bytes, write);
  const auto size = static_cast<uint64_t>(bytes);
  for_lanes(w.mask, [&](int l) {
    if (addresses[l] % size != 0) fault(Check::alignment, w, i, l, std::to_string(bytes) + " bytes at address " + std::to_string(addresses[l]));
  });
  for (Mask left = w.mask; left;) {
    const int first = __builtin_ctz(left);
    uint64_t address = addresses[first];
    if (space == Space::local || (space == Space::generic && (address & kWindowMask) == kLocalWindow)) {
      const uint64_t at = address & ~kWindowMask, top = w.frame->local_base + static_cast<uint64_t>(w.frame->function->local_bytes);
      if (at + size > top) fault(Check::bounds, w, i, first, "byte " + std::to_string(at) + " of local memory, of which the thread has " + std::to_string(top));
      const std::size_t begin = static_cast<std::size_t>(first) * kLocalBytes + at;
      uint8_t* const written = w.local_written.data() + begin;
      if (write) std::fill_n(written, bytes, uint8_t{1});
      else if (std::find(written, written + bytes, uint8_t{0}) != written + bytes)
        fault(Check::uninitialised, w, i, first, "byte " + std::to_string(at) + " of local memory");
      where[first] = w.local.data() + begin;
      left &= left - 1;
      continue;
    }
    Region& region = region_of(w, i, address, space, first);
    const bool shared = (region.base & kWindowMask) == kSharedWindow, param = (region.base & kWindowMask) == kParamWindow;
    const uint64_t within = shared ? kSharedApart - 1 : ~kWindowMask;  // of an address, what counts in the region
    const uint64_t base = shared ? kSharedFirst : param ? 0 : region.base;
    uint64_t offsets[kLanes];
    Mask here = 0;
    for_lanes(left, [&](int l) {
      if (addresses[l] >> 24 != address >> 24 && (shared || addresses[l] - region.base >= region.size())) return;
      const uint64_t at = (addresses[l] & (shared || param ? within : ~uint64_t{0})) - base;
      if (at >= region.size() && !shared && !param) return;  // of another buffer, or of none: its own turn tells
      if (at + size > region.size() || at + size < size)
        fault(Check::bounds, w, i, l, std::to_string(bytes) + " bytes at " + place_in(region, at) + ", which has " + std::to_string(region.size()));
      offsets[l] = at;
      where[l] = region.bytes.data() + at;
      here |= 1u << l;
    });
    if (!here) fault(Check::bounds, w, i, first, "an address " + memory.nearest(address));
    touch(w, i, region, offsets, here, bytes, write);
    left &= ~here;
  }
}

void Machine::touch(Warp& w, const Instruction& i, Region& region, const uint64_t* offsets, Mask mask, int bytes, bool write) {
  if (region.read_only && write) fault(Check::bounds, w, i, __builtin_ctz(mask), "a write to " + region.name + ", which is constant");
  const bool reads = !write || i.to[0].present();
  if (reads)
    for_lanes(mask, [&](int l) {
      const uint8_t* const written = region.written.data() + offsets[l];
      bool all = true;
      if (bytes == 4) {
        uint32_t four;
        std::memcpy(&four, written, sizeof four);
        all = four == 0x01010101u;
      } else {
        for (int k = 0; k < bytes; ++k) all = all && written[k];
      }
      if (!all) fault(Check::uninitialised, w, i, l, place_in(region, offsets[l]));
    });
  if (write)
    for_lanes(mask, [&](int l) {
      if (bytes == 4) {
        constexpr uint32_t kFour = 0x01010101u;
        std::memcpy(region.written.data() + offsets[l], &kFour, sizeof kFour);
      } else {
        std::fill_n(region.written.data() + offsets[l], bytes, uint8_t{1});
      }
    });
  if (region.read_only) return;
  const int first = __builtin_ctz(mask);
  bool same = true;
  for_lanes(mask, [&](int l) { same = same && offsets[l] == offsets[first]; });
  const auto words = static_cast<uint64_t>((bytes + 3) / 4);
  if (!write && same) {
    for (uint64_t k = 0; k < words; ++k) read_word(w, i, region, offsets[first] / 4 + k, mask);
    counts.words += words;
    return;
  }
  for_lanes(mask, [&](int l) {
    for (uint64_t k = 0; k < words; ++k) {
      if (write) write_word(w, i, region, offsets[l] / 4 + k, l);
      else read_word(w, i, region, offsets[l] / 4 + k, 1u << l);
    }
    counts.words += words;
  });
}

void Machine::read_word(Warp& w, const Instruction& i, Region& region, uint64_t word, Mask lanes) {
  Page& page = region.page(word);
  const auto at = static_cast<std::size_t>(word % Page::kWords);
  const Block& block = *w.block;
  if (page.write_time[at] >= launched_ && (page.write_time[at] >= block.known || page.writer[at] / kMostThreads != block.number))
    for_lanes(lanes, [&](int l) {
      const Thread writer = page.writer[at];
      if (writer != thread_of(w, l) && page.write_time[at] >= known_until(w, l, writer)) race(w, i, region, word, l, writer, "reads what");
    });
  if (i.strong) return;
  const bool earlier = page.read_time[at] < launched_;  // in another launch: nothing of it counts
  if (page.read_block[at] != block.number || earlier) {
    if (page.read_block[at] < Page::kSeveral && !earlier) page.read_block[at] = Page::kSeveral;
    if (page.read_block[at] == Page::kNobody || earlier) {
      page.read_block[at] = block.number;
      for (auto& readers : page.readers)
        if (readers)
          for (auto& lanes_of : readers->lanes) lanes_of[at] = 0;
    }
  }
  page.read_time[at] = now_;
  if (page.read_block[at] == Page::kSeveral) return;
  auto& readers = page.readers[w.number];
  if (!readers) readers = std::make_unique<Page::Readers>();
  readers->add(at, lanes, now_);
}

void Machine::write_word(Warp& w, const Instruction& i, Region& region, uint64_t word, int lane) {
  Page& page = region.page(word);
  const auto at = static_cast<std::size_t>(word % Page::kWords);
  const Block& block = *w.block;
  const Thread me = thread_of(w, lane), writer = page.writer[at];
  const Time written = page.write_time[at], read = page.read_time[at];
  if (written >= launched_ && writer != me && (written >= block.known || writer / kMostThreads != block.number) && written >= known_until(w, lane, writer))
    race(w, i, region, word, lane, writer, "writes what");
  if (read >= launched_ && (read >= block.known || page.read_block[at] != block.number)) {
    if (page.read_block[at] == Page::kSeveral) {
      if (read >= known_of_all(w, lane, shape_.grid.count())) race(w, i, region, word, lane, ~Thread{0}, "writes what");
    } else if (page.read_block[at] != Page::kNobody) {
      for (int v = 0; v < kMostWarps; ++v) {
        const auto& readers = page.readers[v];
        for (int g = 0; readers && g < Page::Readers::kGroups; ++g) {
          const Time when = readers->time[g][at];
          if (when < launched_ || (when < block.known && page.read_block[at] == block.number)) continue;
          for_lanes(readers->lanes[g][at], [&](int l) {
            const Thread reader = page.read_block[at] * kMostThreads + static_cast<Thread>(v * kLanes + l);
            if (reader != me && when >= known_until(w, lane, reader)) race(w, i, region, word, lane, reader, "writes what");
          });
        }
      }
    }
  }
  if (i.strong) return;
  page.write_time[at] = now_;
  page.writer[at] = me;
  if (page.read_block[at] != block.number) {  // all who read it are known, and with this write they need not be
    page.read_block[at] = Page::kNobody;
    page.read_time[at] = 0;
  }
}

void Machine::race(const Warp& w, const Instruction& i, const Region& region, uint64_t word, int lane, Thread other, const std::string& verb) const {
  const Page& page = *region.pages[word / Page::kWords];
  const bool wrote = other != ~Thread{0} && page.writer[word % Page::kWords] == other && page.write_time[word % Page::kWords] >= page.read_time[word % Page::kWords];
  const std::string who = other == ~Thread{0} ? "several blocks" : thread_text(shape_, other);
  fault(Check::race, w, i, lane, verb + " " + who + (verb == "reads what" || wrote ? " wrote" : " read") + ", without a barrier between: " + place_in(region, 4 * word));
}

void Machine::acquire(Warp& w, const Instruction& i, int lane, uint64_t address) {
  const auto found = published_.find(address);
  if (found == published_.end()) return;
  Known& to = (i.acquires ? w.knows : w.heard)[static_cast<std::size_t>(lane)];
  to = joined(to, found->second);
}

void Machine::release(Warp& w, int lane, uint64_t address, bool fenced) {
  Known mine = w.fenced[static_cast<std::size_t>(lane)];
  if (!fenced) mine = std::make_shared<Knowledge>(knowledge_of(w, lane, ++now_));
  if (!mine) return;
  Known& published = published_[address];
  published = joined(published, mine);
}

void Machine::fence(Warp& w) {
  ++now_;
  for_lanes(w.mask, [&](int l) {
    const auto lane = static_cast<std::size_t>(l);
    w.knows[lane] = joined(w.knows[lane], w.heard[lane]);
    w.fenced[lane] = std::make_shared<Knowledge>(knowledge_of(w, l, now_));
  });
}

}  // namespace equipoise::ptx
