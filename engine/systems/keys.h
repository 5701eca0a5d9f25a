// engine/systems/keys.h - keys of a config as systems name them: values with their rules, without a file format.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace equipoise {

/// A range of finite numbers; `open` ends do not belong to it.
struct Range {
  double low = -std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::max();
  bool low_open = false;
  bool high_open = false;

  bool contains(double x) const {
    // An open end is one in float32 too, in which the engine computes: 1e-320 is 0 there. False for NaN.
    return (low_open ? static_cast<float>(x) > static_cast<float>(low) : x >= low) &&
           (high_open ? x < high : x <= high);
  }
};

namespace range {
inline constexpr double kMost = 1e30;  ///< far inside float32, in which the engine computes
inline constexpr Range kPositive{0, kMost, true};
inline constexpr Range kNotNegative{0, kMost};
inline constexpr Range kShare{0, 1, false, true};
inline constexpr Range kUnit{0, 1};
inline constexpr Range kWidth{1, 65536};
inline constexpr std::size_t kMostLayers = 128;  ///< of a stack
}  // namespace range

/// What values a key takes.
struct Rule {
  Range range = {};                            ///< of a number, or of each number of a list
  std::vector<std::string_view> choices = {};  ///< of a string, or of each string of a list; {} = any; "" = by variant
  std::vector<std::string_view> older = {};    ///< further choices, which are read and not told: words of before
  std::size_t count = 0;                       ///< of a list; 0 = any
  std::size_t most = 1000;                     ///< of a list: what follows need not be fast for any length
  bool or_none = false;                        ///< the list may also be empty
  bool some = false;                           ///< the list may not be empty
  bool distinct = false;                       ///< no element of the list may occur twice
  bool required = false;
  std::string_view example = "";  ///< shown, commented out, where the key has no value
};

/// A value that is one of the rule's choices, in their order, held in some other type. The choice "" leaves it.
struct Word {
  std::function<std::string_view()> get;
  std::function<void(std::string_view)> set;
};

/// Where a model's setting lives; the type says how it is read and written.
using ModelSlot = std::variant<bool*, int*, double*, std::string*, std::vector<int>*, std::vector<std::string>*, Word>;

/// A key of section [model] that a system has for itself.
struct ModelKey {
  std::string_view name;
  ModelSlot slot;
  std::string_view meaning;
  Rule rule = {};
};

/// A key of the other sections that not every system knows, or that a system words or rules in its own way.
struct KeyUse {
  std::string_view key;           ///< such as balance.over
  std::string_view meaning = "";  ///< "": as the common table says
  std::vector<std::string_view> choices = {};
  std::size_t count = 0;
  std::string_view example = "";
};

}  // namespace equipoise
