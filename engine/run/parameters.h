// engine/run/parameters.h - a replica's state seen as named parameters: initialisation, reading and writing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/lower/program.h"

namespace equipoise {

/// Which part of the state: parameters, or Adam's first or second moments.
enum class StatePart { parameter, moment1, moment2 };

/// A parameter (or moment) of one replica as dense values, shape [out, in] or [out]. `state` is that replica's.
std::vector<float> read_parameter(const Program& program, const ParameterInfo& parameter, StatePart part,
                                  std::span<const float> state);
void write_parameter(const Program& program, const ParameterInfo& parameter, StatePart part, std::span<float> state,
                     std::span<const float> values);

/// Where one balancing method's float64 state lies in a replica's, counted in doubles from the first method's.
struct BalanceShare {
  std::string name;  ///< such as "balance.gradnorm", or "balance[1].gradnorm" of the second of several balancers
  int64_t first, count;
};
std::vector<BalanceShare> balance_shares(const Program& program);
/// The state of all balancing methods of all chains, one after another.
std::vector<double> read_balance(const Program& program, std::span<const float> state);
void write_balance(const Program& program, std::span<float> state, std::span<const double> values);

/// Weights and biases ~ U(-1/sqrt(fan_in), 1/sqrt(fan_in)), as PyTorch's Linear; moments and padding zero. A pure
/// function of (seed, replica, parameter name order, element).
void initialise(const Program& program, std::span<float> state, uint64_t seed, uint32_t replica);

}  // namespace equipoise
