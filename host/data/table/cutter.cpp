// host/data/table/cutter.cpp - reads on until a record ends.
#include "host/data/table/cutter.h"

#include <algorithm>
#include <utility>

#include "host/data/table/encoding.h"
#include "host/data/table/records.h"

namespace equipoise {

bool Cutter::more() {
  if (ended_) return false;
  const size_t before = text_.size(), wanted = std::max(kBlock, before);
  text_.resize(before + wanted);
  const size_t got = source_.read(text_.data() + before, wanted);
  text_.resize(before + got);
  ended_ = got < wanted;
  return got > 0;
}

std::string Cutter::next() {
  for (;;) {
    const bool hopeless = text_.size() > longest_record_ + kLongestCharacter;
    const size_t end = ended_ ? text_.size() : last_record_end(text_);
    if (end > 0 || ended_ || hopeless) {
      ended_ = ended_ || end == 0;
      std::string records = std::move(text_);
      text_ = end == 0 ? "" : records.substr(end);
      if (end > 0) records.resize(end);
      else if (hopeless) records.resize(whole_characters(records));
      if (!ended_ && text_.size() < kBlock) more();
      return records;
    }
    more();
  }
}

}  // namespace equipoise
