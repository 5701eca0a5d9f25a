// engine/run/parameters.cpp - a replica's state seen as named parameters.
#include "engine/run/parameters.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/balance/methods.h"
#include "kernels/base/philox.h"

namespace equipoise {

namespace {

int64_t part_offset(const Program& program, const ParameterInfo& p, StatePart part) {
  return p.offset + static_cast<int64_t>(part) * program.moment_stride;
}

}  // namespace

std::vector<float> read_parameter(const Program& program, const ParameterInfo& p, StatePart part,
                                  std::span<const float> state) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(p.rows) * p.cols);
  const float* from = state.data() + part_offset(program, p, part);
  for (int r = 0; r < p.rows; ++r)
    values.insert(values.end(), from + int64_t{r} * p.stride, from + int64_t{r} * p.stride + p.cols);
  return values;
}

void write_parameter(const Program& program, const ParameterInfo& p, StatePart part, std::span<float> state,
                     std::span<const float> values) {
  float* to = state.data() + part_offset(program, p, part);
  for (int r = 0; r < p.rows; ++r) std::copy_n(values.data() + int64_t{r} * p.cols, p.cols, to + int64_t{r} * p.stride);
}

std::vector<BalanceShare> balance_shares(const Program& program) {
  std::vector<BalanceShare> shares;
  int64_t first = 0;
  for (std::size_t b = 0; b < program.chains.size(); ++b) {
    const Chain& chain = program.chains[b];
    const std::string prefix = program.chains.size() == 1 ? "balance." : "balance[" + std::to_string(b) + "].";
    for (int a = 0; a < chain.count; ++a) {
      const Method& method = chain.methods[a];
      if (const int count = state_doubles(method.kind, chain.tasks); count > 0)
        shares.push_back({prefix + std::string(method_name(method.kind)), first + method.state, count});
    }
    first += chain.state;
  }
  return shares;
}

std::vector<double> read_balance(const Program& program, std::span<const float> state) {
  std::vector<double> values(static_cast<std::size_t>(balance_doubles(program.chains, program.chains.size())));
  if (!values.empty())
    std::memcpy(values.data(), state.data() + 3 * program.moment_stride, values.size() * sizeof(double));
  return values;
}

void write_balance(const Program& program, std::span<float> state, std::span<const double> values) {
  if (!values.empty())
    std::memcpy(state.data() + 3 * program.moment_stride, values.data(), values.size() * sizeof(double));
}

void initialise(const Program& program, std::span<float> state, uint64_t seed, uint32_t replica) {
  std::fill(state.begin(), state.end(), 0.0f);
  for (std::size_t i = 0; i < program.parameters.size(); ++i) {
    const ParameterInfo& p = program.parameters[i];
    const float bound = 1.0f / std::sqrt(static_cast<float>(p.fan_in));
    std::vector<float> values(static_cast<std::size_t>(p.rows) * p.cols);
    const DrawKey key{seed, replica, static_cast<uint32_t>(i), static_cast<uint32_t>(Purpose::init)};
    for (std::size_t e = 0; e < values.size(); ++e) {
      const PhiloxBlock block = draw(key, static_cast<uint32_t>(e / 4));
      values[e] = bound * (2.0f * uniform01(block.v[e % 4]) - 1.0f);
    }
    write_parameter(program, p, StatePart::parameter, state, values);
  }
}

}  // namespace equipoise
