// host/study/study_settings.cpp - reads grids and ranges, and lays out what they come to.
#include "host/study/study_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>

#include "engine/base/error.h"
#include "engine/files/sha256.h"
#include "host/config/config_schema.h"
#include "host/config/config_value.h"
#include "host/text/offenders.h"
#include "host/text/trimmed.h"
#include "kernels/base/philox.h"

namespace equipoise {
namespace {

constexpr const char *kGrid = "study.grid", *kRanges = "study.ranges";

[[noreturn]] void refuse(const std::string& what) { throw Error(ExitCode::usage, what); }

/// The texts between commas outside quotes, brackets and braces, trimmed.
std::vector<std::string> split_values(std::string_view text) {
  std::vector<std::string> values;
  size_t begin = 0;
  int depth = 0;
  char quote = '\0';
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (i < text.size() && quote != '\0') {
      if (c == '\\' && quote == '"' && i + 1 < text.size()) ++i;
      else if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && (depth <= 0 || i >= text.size())) {
      values.emplace_back(trimmed(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  return values;
}

/// "balance[0].alpha" is balance.alpha.
std::string plain_name(const std::string& key) {
  constexpr std::string_view kFirst = "balance[0].";
  return key.starts_with(kFirst) ? "balance." + key.substr(kFirst.size()) : key;
}

/// Why a setting may not change a key; "" if it may.
std::string_view forbidden(const std::string& key) {
  if (key == "data.transform" || key == "data.outliers") return "";
  if (key.starts_with("data.")) return "decides which data there are, and all settings of a study share them";
  if (key == "train.seed") return "is the first of study.seeds, by which every setting is trained";
  if (key == "train.monitor" || key == "train.monitor_task") return "is what settings are compared by";
  if (key == "model.kind") return "is what all members of a study share";
  if (key.starts_with("study.")) return "says which members there are, and nothing of one";
  if (key.starts_with("evaluate.")) return "says how models are judged, and all members of a study alike";
  return "";
}

/// Whether the key's value is a list of words.
bool takes_words(const std::string& key) {
  const size_t close = key.find("].");
  const ConfigKey* known =
      find_config_key(key.starts_with("balance[") && close != key.npos ? "balance." + key.substr(close + 2) : key);
  if (!known) return false;
  Config scratch = known->owner ? default_config(known->owner->kind()) : Config();
  return std::holds_alternative<std::vector<std::string>*>(known->at(scratch));
}

/// A key and the text after its equals sign.
struct Line {
  std::string key, text;

  Line(const std::string& line, const char* section) {
    const size_t equals = line.find('=');
    key = trimmed(std::string_view(line).substr(0, equals));
    if (equals == line.npos || key.empty())
      refuse(fmt::format("{} {}: names no key; write {}", section, excerpt(line),
                         section == kGrid ? "key=value,value" : "key=log:LOW:HIGH"));
    text = trimmed(std::string_view(line).substr(equals + 1));
    if (const std::string_view why = forbidden(key); !why.empty())
      refuse(fmt::format("{} {}: {} {}; remove it", section, key, key, why));
  }
};

/// The values as overrides of the key.
std::vector<std::string> overrides_of(const Line& line, const std::string& values, const char* section) {
  const bool words = takes_words(line.key);
  std::vector<std::string> overrides;
  for (const std::string& value : split_values(values)) {
    if (value.empty())
      refuse(fmt::format("{} {}: has an empty value; write one, or remove a comma", section, line.key));
    const bool alone = words && value.front() != '[';
    const bool quoted = value.front() == '"' || value.front() == '\'';
    overrides.push_back(fmt::format("{}={}", line.key,
                                    !alone   ? value
                                    : quoted ? "[" + value + "]"
                                             : "[" + toml_string(value) + "]"));
  }
  return overrides;
}

enum class Scale { log, uniform, whole, log_whole, choice };
constexpr std::pair<std::string_view, Scale> kScales[] = {{"log", Scale::log},
                                                          {"uniform", Scale::uniform},
                                                          {"int", Scale::whole},
                                                          {"logint", Scale::log_whole},
                                                          {"choice", Scale::choice}};

double number_in(const std::string& text, const Line& line) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    refuse(fmt::format("{} {}: {} is not a number; write LOW and HIGH as in log:1e-5:1e-2", kRanges, line.key,
                       excerpt(text)));
  return value;
}

class DrawnRange {
 public:
  explicit DrawnRange(const std::string& text) : line_(text, kRanges) {
    const size_t colon = line_.text.find(':');
    const std::string word = line_.text.substr(0, colon);
    const auto found =
        std::find_if(std::begin(kScales), std::end(kScales), [&](const auto& s) { return s.first == word; });
    if (found == std::end(kScales) || colon == line_.text.npos) {
      refuse(
          fmt::format("{} {}: {} is no range; write it as log:LOW:HIGH, uniform:LOW:HIGH, int:LOW:HIGH, "
                      "logint:LOW:HIGH or choice:value,value",
                      kRanges, line_.key, excerpt(line_.text)));
    }
    scale_ = found->second;
    const std::string rest = line_.text.substr(colon + 1);
    if (scale_ == Scale::choice) {
      choices_ = overrides_of(line_, rest, kRanges);
      return;
    }
    const size_t second = rest.find(':');
    low_ = number_in(rest.substr(0, second), line_);
    high_ = number_in(second == rest.npos ? "" : rest.substr(second + 1), line_);
    expect_ends();
  }

  const std::string& key() const { return line_.key; }

  /// The override that a uniform number in [0, 1) stands for.
  std::string at(double u) const {
    switch (scale_) {
      case Scale::choice:
        return choices_[static_cast<size_t>(u * static_cast<double>(choices_.size()))];
      case Scale::log:
        return number(std::exp(std::log(low_) + u * (std::log(high_) - std::log(low_))));
      case Scale::uniform:
        return number(std::lerp(low_, high_, u));
      case Scale::whole:
        return whole(low_ + u * (high_ - low_ + 1));
      case Scale::log_whole:
        break;
    }
    return whole(std::exp(std::log(low_) + u * (std::log(high_ + 1) - std::log(low_))));
  }

 private:
  void expect_ends() const {
    const bool is_whole = scale_ == Scale::whole || scale_ == Scale::log_whole;
    const auto fault = [&](std::string_view what) {
      refuse(fmt::format("{} {}: {} {}", kRanges, line_.key, excerpt(line_.text), what));
    };
    if (!(low_ < high_)) fault("does not rise; write the lower end first");
    if (scale_ == Scale::log && low_ <= 0) fault("begins at or below 0, which has no logarithm; begin above it");
    if (scale_ == Scale::log_whole && low_ < 1) fault("begins below 1; begin at 1 or above");
    if (is_whole && (low_ != std::floor(low_) || high_ != std::floor(high_) || std::fabs(low_) > 1e9 || high_ > 1e9))
      fault("has an end that is no whole number of at most 1e9; make it one");
  }

  /// Six digits: readable, and the same where a library's logarithm differs in the last bit.
  std::string number(double value) const {
    const std::string text = fmt::format("{:.6g}", value);
    const double rounded = std::stod(text);
    return fmt::format("{}={}", line_.key,
                       rounded < low_    ? fmt::format("{}", low_)
                       : rounded > high_ ? fmt::format("{}", high_)
                                         : text);
  }

  std::string whole(double value) const {
    return fmt::format("{}={}", line_.key, static_cast<int64_t>(std::clamp(std::floor(value), low_, high_)));
  }

  Line line_;
  Scale scale_ = Scale::log;
  double low_ = 0, high_ = 0;
  std::vector<std::string> choices_;
};

/// Uniform on the multiples of 2^-53 in [0, 1).
double uniform(uint64_t seed, size_t number, size_t range) {
  const DrawKey key{seed, 0, static_cast<uint32_t>(number), purpose_of(Purpose::setting, static_cast<int>(range))};
  const PhiloxBlock block = draw(key, 0);
  return static_cast<double>((uint64_t{block.v[1]} << 32 | block.v[0]) >> 11) * 0x1p-53;
}

/// Keys that are taken, by the section that named them.
class TakenKeys {
 public:
  void take(const std::string& key, const char* section) {
    const auto [earlier, added] = sections_.emplace(plain_name(key), section);
    if (!added) refuse(fmt::format("{} {}: stands already in {}; keep one", section, key, earlier->second));
  }

 private:
  std::map<std::string, const char*> sections_;
};

std::string listed(const StudySetting& setting) { return fmt::format("{}", fmt::join(setting.overrides, ", ")); }

bool same_point(const StudySetting& a, const StudySetting& b) {
  return a.of_grid == b.of_grid &&
         std::equal(a.overrides.begin(), a.overrides.begin() + static_cast<std::ptrdiff_t>(a.of_grid),
                    b.overrides.begin());
}

/// The sentences of the config with the places where its settings stand.
std::string told_by_study(std::string text, const StudySetting& setting) {
  for (size_t i = 0; i < setting.overrides.size(); ++i) {
    const std::string& override = setting.overrides[i];
    const std::string key = override.substr(0, override.find('=')), from = fmt::format("--set {}:", key);
    const std::string to = fmt::format("{} {}:", i < setting.of_grid ? kGrid : kRanges, key);
    for (size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  }
  return setting.overrides.size() < 2 ? text : fmt::format("{} (of the setting {})", text, listed(setting));
}

}  // namespace

std::vector<StudySetting> study_settings(const StudyConfig& study, uint64_t seed) {
  TakenKeys taken;
  std::vector<std::vector<std::string>> grid;
  size_t points = 1;
  const auto count = [&](size_t factor) {  // neither is above kMostSettings, so that nothing overflows
    points *= factor;
    if (points > kMostSettings)
      refuse(fmt::format("study.grid and study.random come to more than {} settings; name fewer values or draws",
                         kMostSettings));
  };
  for (const std::string& text : study.grid) {
    const Line line(text, kGrid);
    taken.take(line.key, kGrid);
    grid.push_back(overrides_of(line, line.text, kGrid));
    count(grid.back().size());
  }
  std::vector<DrawnRange> ranges;
  for (const std::string& text : study.ranges) {
    ranges.emplace_back(text);
    taken.take(ranges.back().key(), kRanges);
  }
  if (study.random > 0 && ranges.empty())
    refuse(
        fmt::format("study.random: there are {} draws, and study.ranges says of nothing what is drawn; name a range, "
                    "or set study.random to 0",
                    study.random));
  if (study.random == 0 && !ranges.empty())
    refuse("study.ranges: study.random is 0, so that nothing is drawn of them; set it to the number of draws");
  const size_t draws = static_cast<size_t>(std::max(1, study.random));
  count(draws);

  std::vector<StudySetting> settings(points);
  for (size_t s = 0; s < points; ++s) {
    settings[s].of_grid = grid.size();
    size_t beyond = points / draws, point = s / draws;
    for (const std::vector<std::string>& values : grid) {
      beyond /= values.size();
      settings[s].overrides.push_back(values[point / beyond]);
      point %= beyond;
    }
    for (size_t r = 0; r < ranges.size(); ++r)
      settings[s].overrides.push_back(ranges[r].at(uniform(seed, s % draws, r)));
  }
  return settings;
}

std::vector<std::string> check_settings(const std::vector<StudySetting>& settings, const Resolve& resolve) {
  std::vector<std::string> notices;
  std::map<std::string, size_t> seen;  // by the hash of a resolved config
  for (size_t s = 0; s < settings.size(); ++s) {
    std::string text;
    try {
      text = to_toml(without_study(resolve(settings[s].overrides)));
    } catch (const Error& error) {
      throw Error(error.code(), told_by_study(error.what(), settings[s]));
    }
    Sha256 sha;
    sha.update(text);
    const auto [earlier, added] = seen.emplace(sha.hex(), s);
    if (added) continue;
    const StudySetting& first = settings[earlier->second];
    if (!same_point(first, settings[s]) || settings[s].overrides.size() == settings[s].of_grid)
      refuse(fmt::format("study.grid: the settings {} and {} come to the same config; remove one", listed(first),
                         listed(settings[s])));
    notices.push_back(fmt::format("study.ranges: setting {} draws what setting {} has: {}", s + 1, earlier->second + 1,
                                  listed(first)));
  }
  return notices;
}

std::vector<StudySetting> fixed_weight_settings(std::size_t tasks, int parts) {
  if (tasks == 0) refuse("the config has no task to weigh; give fixed weights to a config of several tasks");
  const auto whole = static_cast<std::size_t>(std::max(parts, 0));
  if (whole < tasks)
    refuse(fmt::format("{} parts cannot give {} tasks a weight each; ask for {} parts or more", parts, tasks, tasks));
  double vectors = 1;  // parts - 1 over tasks - 1
  for (std::size_t k = 1; k < tasks; ++k) vectors = vectors * static_cast<double>(whole - k) / static_cast<double>(k);
  if (vectors > static_cast<double>(kMostSettings))
    refuse(fmt::format("{} parts for {} tasks are {:.0f} vectors of weights, more than {}; ask for fewer parts", parts,
                       tasks, vectors, kMostSettings));
  std::vector<StudySetting> settings;
  std::vector<std::size_t> share(tasks);
  const std::function<void(std::size_t, std::size_t)> give = [&](std::size_t k, std::size_t left) {
    if (k + 1 < tasks) {
      for (share[k] = 1; share[k] <= left - (tasks - 1 - k); ++share[k]) give(k + 1, left - share[k]);
      return;
    }
    share[k] = left;
    std::vector<std::string> weights;
    for (const std::size_t part : share)
      weights.push_back(fmt::format("{}", static_cast<double>(tasks * part) / parts));
    settings.push_back(
        {{"balance.methods=[\"identity\"]", fmt::format("balance.initial_weights=[{}]", fmt::join(weights, ", "))}, 2});
  };
  give(0, whole);
  return settings;
}

}  // namespace equipoise
