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
  return "thread " + std::to_string(thread % kMostThreads) +
         (shape.grid.count() > 1 ? " of block " + std::to_string(thread / kMostThreads) : "");
}
Thread thread_of(const Warp& w, int lane) {
  return w.block->number * kMostThreads + static_cast<Thread>(w.number * kLanes + lane);
}
constexpr Thread kSomeThread = ~Thread{0};  // one of several, no longer known

bool all_written(const uint8_t* written, int bytes) {
  uint64_t eight = 0x0101010101010101u;
  if (bytes == 4) {
    uint32_t four;
    std::memcpy(&four, written, sizeof four);
    return four == 0x01010101u;
  }
  for (; bytes >= 8; bytes -= 8, written += 8) {
    uint64_t next;
    std::memcpy(&next, written, sizeof next);
    eight &= next;
  }
  for (; bytes > 0; --bytes, ++written) eight &= *written == 1 ? ~uint64_t{0} : 0;
  return eight == 0x0101010101010101u;
}

/// Of what a load brings, element by element where they are several: who is not read need not be there.
bool wanted_written(const Instruction& i, const uint8_t* written, int bytes) {
  if (i.elements == 1) return all_written(written, bytes);
  const int each = bytes / i.elements;
  for (int k = 0; k < i.elements; ++k)
    if (i.to[k].present() && !all_written(written + k * each, each)) return false;
  return true;
}
/// Whether word number k of what it brings belongs to an element that is read; of small elements all do.
bool wants_word(const Instruction& i, uint64_t k, int bytes) {
  const auto each = static_cast<uint64_t>(bytes / i.elements);
  return i.elements == 1 || each < 4 || i.to[k * 4 / each].present();
}

std::string place_in(const Region& region, uint64_t offset) {
  return "byte " + std::to_string(offset) + " of " + region.name;
}

}  // namespace

void Machine::fault(Check check, const Warp& w, const Instruction& i, int lane, const std::string& what) const {
  std::string text = std::string(name_of(check)) + ": " + what + "\n  by " + thread_text(shape_, thread_of(w, lane)) +
                     " of " + entry_->name + "\n  PTX line " + std::to_string(i.line) + ": " +
                     module_->texts[static_cast<std::size_t>(i.text_number)] + "\n  source " + module_->source_of(i);
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
    fault(Check::bounds, w, i, lane,
          "shared memory of block " + std::to_string(rank) + ", which the cluster has not or which has ended");
  }
  if (space == Space::param || (space == Space::generic && (address & kWindowMask) == kParamWindow))
    return *parameters_;
  Region* const region = memory.find(address);
  if (!region) fault(Check::bounds, w, i, lane, "an address " + memory.nearest(address));
  return *region;
}

void Machine::access_local(Warp& w, const Instruction& i, const uint64_t* addresses, Mask mask, int bytes, bool write,
                           std::byte** where) {
  const auto size = static_cast<uint64_t>(bytes);
  const uint64_t top = w.frame->local_base + static_cast<uint64_t>(w.frame->function->local_bytes);
  for_lanes(mask, [&](int l) {
    const uint64_t at = addresses[l] & ~kWindowMask;
    if (at + size > top)
      fault(Check::bounds, w, i, l,
            "byte " + std::to_string(at) + " of local memory, of which the thread has " + std::to_string(top));
    const std::size_t begin = static_cast<std::size_t>(l) * w.local_bytes + at;
    uint8_t* const written = w.local_written.data() + begin;
    if (write) std::memset(written, 1, size);
    else if (!wanted_written(i, written, bytes))
      fault(Check::uninitialised, w, i, l, "byte " + std::to_string(at) + " of local memory");
    where[l] = w.local.data() + begin;
  });
}

void Machine::access(Warp& w, const Instruction& i, const uint64_t* addresses, Space space, int bytes, bool write,
                     std::byte** where) {
  ++counts.accesses;
  if (observer) observer->access(w, i, space, addresses, w.mask, bytes, write);
  const auto size = static_cast<uint64_t>(bytes);
  uint64_t low_bits = 0, least = ~uint64_t{0}, most = 0;
  for (int l = 0; l < kLanes; ++l) {  // of lanes that do not run, the first's
    const uint64_t address = w.active[l] ? addresses[l] : addresses[__builtin_ctz(w.mask)];
    low_bits |= address;
    least = std::min(least, address);
    most = std::max(most, address);
  }
  if (low_bits & (size - 1))
    for_lanes(w.mask, [&](int l) {
      if (addresses[l] & (size - 1))
        fault(Check::alignment, w, i, l, std::to_string(bytes) + " bytes at address " + std::to_string(addresses[l]));
    });
  const auto is_local = [&](uint64_t address) {
    return space == Space::local || (space == Space::generic && (address & kWindowMask) == kLocalWindow);
  };
  if (is_local(least) && is_local(most)) return access_local(w, i, addresses, w.mask, bytes, write, where);
  uint64_t offsets[kLanes];
  for (Mask left = w.mask; left;) {  // one buffer after the other; as a rule there is but one
    const int first = __builtin_ctz(left);
    if (is_local(addresses[first])) {
      access_local(w, i, addresses, 1u << first, bytes, write, where);
      left &= left - 1;
      continue;
    }
    Region& region = region_of(w, i, addresses[first], space, first);
    // What of an address counts within the region, and where that begins.
    const bool shared = region.base == kSharedWindow, param = region.base == kParamWindow;
    const uint64_t within = shared ? kSharedApart - 1 : param ? ~kWindowMask : ~uint64_t{0};
    const uint64_t base = shared ? kSharedFirst : param ? 0 : region.base, end = region.size();
    const uint64_t window = shared ? addresses[first] / kSharedApart : 0;
    Mask here = 0;
    for_lanes(left, [&](int l) {
      const uint64_t at = (addresses[l] & within) - base;
      if (shared && addresses[l] / kSharedApart != window) return;  // of another block, another buffer:
      if (at >= end && !shared && !param) return;                   // its own turn tells
      if (at + size > end || at + size < size)
        fault(Check::bounds, w, i, l,
              std::to_string(bytes) + " bytes at " + place_in(region, at) + ", which has " + std::to_string(end));
      offsets[l] = at;
      where[l] = region.bytes.data() + at;
      here |= 1u << l;
    });
    touch(w, i, region, offsets, here, bytes, write);
    left &= ~here;
  }
}

void Machine::touch(Warp& w, const Instruction& i, Region& region, const uint64_t* offsets, Mask mask, int bytes,
                    bool write) {
  if (region.read_only) {
    if (write) fault(Check::bounds, w, i, __builtin_ctz(mask), "a write to " + region.name + ", which is constant");
    return;
  }
  if (!write || i.to[0].present())  // an atomic reads, too
    for_lanes(mask, [&](int l) {
      if (!wanted_written(i, region.written.data() + offsets[l], bytes))
        fault(Check::uninitialised, w, i, l, place_in(region, offsets[l]));
    });
  const auto words = static_cast<uint64_t>((bytes + 3) / 4);
  if (write) {
    for_lanes(mask, [&](int l) {
      std::memset(region.written.data() + offsets[l], 1, static_cast<std::size_t>(bytes));
      for (uint64_t k = 0; k < words; ++k) write_word(w, i, region, offsets[l] / 4 + k, l);
    });
    counts.words += words * static_cast<uint64_t>(__builtin_popcount(mask));
    return;
  }
  for (Mask left = mask; left;) {  // neighbours that read the same words are told of at once
    int l = __builtin_ctz(left);
    const uint64_t word = offsets[l] / 4;
    Mask who = 0;
    for (; l < kLanes && (left >> l & 1) && offsets[l] / 4 == word; ++l) who |= 1u << l;
    left &= ~who;
    counts.words += words * static_cast<uint64_t>(__builtin_popcount(who));
    Page* page = &region.page(word);
    for (uint64_t k = 0; k < words; ++k) {
      if ((word + k) % Page::kWords == 0) page = &region.page(word + k);
      if (!wants_word(i, k, bytes)) continue;
      if (region.settled[word + k] == w.block->known) continue;
      read_word(w, i, region, *page, word + k, who);
    }
  }
}

void Machine::read_word(Warp& w, const Instruction& i, Region& region, Page& page, uint64_t number, Mask lanes) {
  Word& word = page.words[number % Page::kWords];
  const Block& block = *w.block;
  if (word.write_time >= launched_ && (word.write_time >= block.known || word.writer / kMostThreads != block.number))
    for_lanes(lanes, [&](int l) {
      if (word.writer != thread_of(w, l) && word.write_time >= known_until(w, l, word.writer))
        race(w, i, region, number, l, word.writer, "reads what", "wrote");
    });
  if (i.strong) return;
  const uint32_t mine = block.number << 8 | static_cast<uint32_t>(w.number),
                 all_mine = block.number << 8 | Word::kSeveralWarps;
  if (word.read_time >= launched_) {
    if (word.reader == mine) {
      word.readers.add(lanes, now_);
      word.read_time = now_;
      if (lesser_order_) by_warp(page, number, w).add(lanes, now_);
      return;
    }
    const bool same_block = word.reader >> 8 == block.number && word.reader != Word::kSeveralBlocks;
    if (!same_block || word.read_time >= block.known || lesser_order_) {  // else they are known, all of them
      word.reader = same_block ? all_mine : Word::kSeveralBlocks;
      word.read_time = now_;
      if (!lesser_order_ && same_block) region.settled[number] = block.known;
      if (lesser_order_ && same_block) by_warp(page, number, w).add(lanes, now_);
      return;
    }
  }
  word.reader = mine;
  word.read_time = now_;
  word.readers.restart(lanes, now_);
  if (lesser_order_) {
    for (auto& readers : page.by_warp)
      if (readers) readers[number % Page::kWords] = {};
    by_warp(page, number, w).restart(lanes, now_);
  }
}

Readers& Machine::by_warp(Page& page, uint64_t number, const Warp& w) const {
  auto& readers = page.by_warp[w.number];
  if (!readers) readers = std::make_unique<Readers[]>(Page::kWords);
  return readers[number % Page::kWords];
}

void Machine::write_word(Warp& w, const Instruction& i, Region& region, uint64_t number, int lane) {
  Page& page = region.page(number);
  Word& word = page.words[number % Page::kWords];
  const Block& block = *w.block;
  const Thread me = thread_of(w, lane);
  if (word.write_time >= launched_ && word.writer != me &&
      (word.write_time >= block.known || word.writer / kMostThreads != block.number) &&
      word.write_time >= known_until(w, lane, word.writer))
    race(w, i, region, number, lane, word.writer, "writes what", "wrote");
  if (word.read_time >= launched_) {
    const bool same_block = word.reader >> 8 == block.number && word.reader != Word::kSeveralBlocks;
    const auto against = [&](const Readers& readers, uint32_t of_block, uint32_t warp) {
      for (int g = 0; g < Readers::kGroups; ++g)
        for_lanes(readers.time[g] < launched_ ? 0 : readers.lanes[g], [&](int l) {
          const Thread reader = of_block * kMostThreads + warp * kLanes + static_cast<Thread>(l);
          if (reader != me && readers.time[g] >= known_until(w, lane, reader))
            race(w, i, region, number, lane, reader, "writes what", "read");
        });
    };
    if (same_block && word.read_time < block.known) {
      // all of them came before a barrier of the block
    } else if (word.reader == Word::kSeveralBlocks) {
      if (!lesser_order_ || word.read_time >= known_of_all(w, lane, shape_.grid.count()))
        race(w, i, region, number, lane, kSomeThread, "writes what", "read");
    } else if ((word.reader & 0xff) != Word::kSeveralWarps) {
      against(word.readers, word.reader >> 8, word.reader & 0xff);
    } else if (!lesser_order_) {
      race(w, i, region, number, lane, kSomeThread, "writes what", "read");
    } else {
      for (uint32_t v = 0; v < kMostWarps; ++v)
        if (page.by_warp[v]) against(page.by_warp[v][number % Page::kWords], word.reader >> 8, v);
    }
  }
  region.settled[number] = 0;
  if (i.strong) return;
  word.write_time = now_;
  word.writer = me;
  if (word.reader == Word::kSeveralBlocks || word.reader >> 8 != block.number)
    word.read_time = 0;  // whoever read it is known
}

void Machine::race(const Warp& w, const Instruction& i, const Region& region, uint64_t word, int lane, Thread other,
                   const std::string& does, const std::string& did) const {
  const std::string who = other == kSomeThread ? "other threads" : thread_text(shape_, other);
  fault(Check::race, w, i, lane,
        does + " " + who + " " + did + ", without a barrier between: " + place_in(region, 4 * word));
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
