// host/data/transform.cpp - the table of transforms.
#include "host/data/transform.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/strict_math.h"

namespace equipoise {

std::span<const Transform> transforms() {
  static const Transform table[] = {
      {"log1p", [](double x) { return strict_log1p(x); }, [](double y) { return strict_expm1(y); },
       [](double x) { return x > -1; }, "numbers above -1"},
      {"log", [](double x) { return strict_log(x); }, [](double y) { return strict_exp(y); },
       [](double x) { return x > 0; }, "positive numbers"},
      {"sqrt", [](double x) { return std::sqrt(x); }, [](double y) { return y > 0 ? y * y : 0.0; },
       [](double x) { return x >= 0; }, "numbers that are not negative"},
  };
  return table;
}

const Transform* find_transform(std::string_view name) {
  const auto all = transforms();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Transform& t) { return t.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace equipoise
