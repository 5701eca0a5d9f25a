// tests/kernels/balance/golden.h - the balancing problems that were solved with PyTorch in float64.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/files/safetensors.h"

namespace equipoise::test {

/// One file tests/data/balance_<kind>_K<K>_D<D>.safetensors; its metadata states every convention.
struct Golden {
  std::string name;
  TensorFile file;

  bool has(const std::string& tensor) const { return file.tensors.contains(tensor); }
  std::vector<double> values(const std::string& tensor) const { return file.at(tensor).to_doubles(); }
  /// A tensor [.., K, D] as rows; `call` is the leading index of one with three dimensions.
  std::vector<std::vector<double>> rows(const std::string& tensor, int call = 0) const {
    const StoredTensor& t = file.at(tensor);
    const std::vector<double> all = t.to_doubles();
    const std::size_t rank = t.shape.size();
    const auto k = static_cast<std::size_t>(t.shape[rank - 2]), d = static_cast<std::size_t>(t.shape[rank - 1]);
    std::vector<std::vector<double>> rows;
    for (std::size_t i = 0; i < k; ++i) {
      const auto first = all.begin() + static_cast<std::ptrdiff_t>((static_cast<std::size_t>(call) * k + i) * d);
      rows.emplace_back(first, first + static_cast<std::ptrdiff_t>(d));
    }
    return rows;
  }
  int tasks() const { return static_cast<int>(file.at("grads").shape[0]); }
};

inline std::vector<Golden> golden_problems() {
  std::vector<Golden> problems;
  for (const auto& entry : std::filesystem::directory_iterator(EQUIPOISE_SOURCE_DIR "/tests/data")) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("balance_")) problems.push_back({name, read_safetensors(entry.path())});
  }
  return problems;
}

}  // namespace equipoise::test
