// tests/engine/systems/named_parameters_test.cpp - balancing over parameters by name, or over all that tasks share: the
// Gram matrix is that of their gradients in double, those of a layer that is part of a stack included.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/engine/systems/latent_gradients.h"
#include "tests/reference/gram.h"

namespace equipoise::test {
namespace {

/// Balanced as `setup` says, MLDRL measures the gradients by these parameters.
void expect_gram(const Setup& setup, const std::vector<std::string>& parameters) {
  const SteppedSystem s = stepped_once(setup);
  const MldrlProbe probe(s);
  const auto by_task = task_gradients(probe.settings, probe.parameters, probe.batch, probe.forward);
  std::vector<std::vector<double>> rows;
  for (const std::string& task : reference::kTaskNames)
    rows.push_back(reference::concatenated(by_task.at(task), parameters));
  const Matrix gram = reference::gram(rows);
  for (int i = 0; i < gram.rows; ++i)
    for (int j = 0; j < gram.cols; ++j)  // gradients in float32, whose entries carry some ten roundings
      EXPECT_NEAR(s.stepper.control().gram[i * gram.cols + j], gram.at(i, j),
                  2e-6 * std::sqrt(gram.at(i, i) * gram.at(j, j)))
          << i << ", " << j;
  EXPECT_NE(gram.at(0, 0), 0);
}

TEST(NamedParameters, AreMeasuredWhereTheyLieInAStackOfLayers) {
  const std::vector<std::vector<std::string>> names = {{"_enc_log_sigma.weight"},
                                                       {"_enc_log_sigma.bias"},
                                                       {"_enc_mu.bias", "_enc_log_sigma.weight"},
                                                       {"_enc_mu.weight", "_enc_log_sigma.bias"}};
  for (const auto& over : names) {
    auto setup = with_balancer(synthetic_mldrl(), {"mgda"}, "parameters");
    setup.balance[0].over.clear();
    for (const std::string& name : over) setup.balance[0].over += name + " ";
    SCOPED_TRACE(setup.balance[0].over);
    expect_gram(setup, over);
  }
}

TEST(SharedParameters, AreMeasuredWithTheirBiases) {
  auto setup = with_balancer(synthetic_mldrl(), {"mgda"}, "parameters");
  setup.balance[0].over = "shared";
  std::vector<std::string> shared = reference::kLatentHeads;
  for (const char* encoder : {"encoder1.linear1", "encoder2.linear1"})
    for (const char* part : {".weight", ".bias"}) shared.push_back(std::string(encoder) + part);
  expect_gram(setup, shared);
}

}  // namespace
}  // namespace equipoise::test
