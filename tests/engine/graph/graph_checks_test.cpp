// tests/engine/graph/graph_checks_test.cpp - graphs whose gradient would be another function's are refused.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/graph/graph.h"

namespace equipoise::test {
namespace {

constexpr int kCols = 5, kShared = 3;

/// What building says of a graph; empty: nothing.
std::string refusal(const std::function<void(Graph&)>& build) {
  try {
    Graph graph;
    build(graph);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::usage);
    return e.what();
  }
  return "";
}

/// One loss node on tensors of its own, with a term of the divisor and per_row given.
struct Loss {
  std::string name;
  std::function<void(Graph&, Divisor, double)> add;
  std::vector<std::pair<Divisor, double>> taken;
};

std::vector<Loss> losses() {
  const auto x = [](Graph& g) { return g.all(g.tensor("x", 1, kCols)); };
  const auto term = [](Graph& g, Divisor divisor, double per_row) { return g.term("t", divisor, per_row); };
  return {
      {"squared error",
       [=](Graph& g, Divisor d, double p) {
         g.add(SquaredErrorNode{x(g), x(g), term(g, d, p)});
       },
       {{Divisor::rows, kCols}, {Divisor::none, 1.0}, {Divisor::none, 2.0}, {Divisor::none, kCols}}},
      {"KL",
       [=](Graph& g, Divisor d, double p) {
         const int heads = g.tensor("heads", 1, 2 * kCols), noise = g.noise("noise", 1, kCols);
         g.add(LatentNode{heads, noise, x(g).tensor, x(g).tensor, term(g, d, p), true});
       },
       {{Divisor::rows, kCols}, {Divisor::none, 1.0}, {Divisor::none, 2.0}, {Divisor::none, kCols}}},
      {"targets",
       [=](Graph& g, Divisor d, double p) {
         g.add(TargetNode{x(g), x(g), term(g, d, p), TargetForm::squared});
       },
       {{Divisor::counted, 1.0}, {Divisor::none, 1.0}}},
      {"classes",
       [=](Graph& g, Divisor d, double p) {
         g.add(TargetCrossEntropyNode{x(g), Graph::columns(x(g), 0, 1), term(g, d, p)});
       },
       {{Divisor::counted, 1.0}, {Divisor::none, 1.0}}},
      {"adversarial",
       [=](Graph& g, Divisor d, double p) {
         g.add(AdversarialNode{x(g), term(g, d, p), true, 1e-3f});
       },
       {{Divisor::rows, kCols}, {Divisor::none, 1.0}}},
      {"cross-entropy",
       [=](Graph& g, Divisor d, double p) {
         g.add(CrossEntropyNode{x(g), term(g, d, p)});
       },
       {{Divisor::label_weight, 1.0}}},
      {"inherent",
       [=](Graph& g, Divisor d, double p) {
         const int variational = g.term("v", Divisor::rows, kCols - kShared);
         g.add(InherentVariationalNode{g.all(g.tensor("z", 2, kCols)), kShared, term(g, d, p), variational});
       },
       {{Divisor::rows, kShared}}},
      {"variational",
       [=](Graph& g, Divisor d, double p) {
         const int inherent = g.term("i", Divisor::rows, kShared);
         g.add(InherentVariationalNode{g.all(g.tensor("z", 2, kCols)), kShared, inherent, term(g, d, p)});
       },
       {{Divisor::rows, kCols - kShared}}},
  };
}

TEST(Graph, TakesTheMeansThatALossKnowsAndRefusesAllOthers) {
  for (const Loss& loss : losses())
    for (const Divisor divisor : {Divisor::rows, Divisor::label_weight, Divisor::counted, Divisor::none})
      for (const double per_row : {0.0, 1.0, 2.0, 3.0, 5.0}) {
        SCOPED_TRACE(loss.name + ", divisor " + std::to_string(static_cast<int>(divisor)) + ", per_row " +
                     std::to_string(per_row));
        bool taken = divisor == Divisor::none && per_row > 0 && loss.taken.size() == 4;  // those of sums by any number
        for (const auto& [d, p] : loss.taken) taken = taken || (d == divisor && p == per_row);
        const std::string what = refusal([&](Graph& g) { loss.add(g, divisor, per_row); });
        EXPECT_EQ(what.empty(), taken) << what;
      }
}

TEST(Graph, SaysWhatALossTakes) {
  const std::string what = refusal([](Graph& g) {
    const Region x = g.all(g.tensor("x", 1, 2));
    g.add(SquaredErrorNode{x, x, g.term("error", Divisor::rows, 1.0)});
  });
  EXPECT_EQ(
      what,
      "term error is a squared error, which takes divisor rows with per_row 2, or none with any positive per_row; "
      "it has divisor rows with per_row 1");
}

/// Terms inherent and variational of one node, and an error; then the tasks, or the tasks first.
std::string refusal_of_tasks(bool tasks_first, const std::function<void(Graph&, int, int, int)>& tasks) {
  return refusal([&](Graph& g) {
    const Region x = g.all(g.tensor("x", 1, kCols));
    const int inherent = g.term("inherent", Divisor::rows, kShared);
    const int variational = g.term("variational", Divisor::rows, kCols - kShared);
    const int error = g.term("error", Divisor::rows, kCols);
    if (tasks_first) tasks(g, inherent, variational, error);
    g.add(SquaredErrorNode{x, x, error});
    g.add(InherentVariationalNode{g.all(g.tensor("z", 2, kCols)), kShared, inherent, variational});
    if (!tasks_first) tasks(g, inherent, variational, error);
  });
}

TEST(Graph, TakesRatiosAndDifferencesOfOneInherentVariationalNodeAlone) {
  for (const bool first : {false, true})
    for (const TaskForm form : {TaskForm::sum, TaskForm::ratio, TaskForm::difference}) {
      SCOPED_TRACE(std::to_string(first) + " " + std::to_string(static_cast<int>(form)));
      const bool plain = form == TaskForm::sum;
      const auto of = [&](auto... pick) {
        return refusal_of_tasks(first, [&](Graph& g, int i, int v, int e) {
          const int all[] = {i, v, e};
          std::vector<bool> used(3);
          for (const int p : {pick...}) used[static_cast<std::size_t>(p)] = true;
          g.task("tested", form, {all[pick]...});
          std::vector<int> rest;
          for (int t = 0; t < 3; ++t)
            if (!used[static_cast<std::size_t>(t)]) rest.push_back(all[t]);
          if (!rest.empty()) g.task("rest", TaskForm::sum, rest);
        });
      };
      EXPECT_EQ(of(0, 1), "");
      EXPECT_EQ(of(1, 0), "");
      EXPECT_EQ(of(0, 1, 2).empty(), plain);
      EXPECT_EQ(of(2).empty(), plain);
      EXPECT_NE(of(2, 0), "");  // and a sum would tear the node apart
      EXPECT_NE(of(1, 2), "");
    }
}

TEST(Graph, RefusesRatiosOfTwoErrors) {
  for (const bool first : {false, true})
    for (const TaskForm form : {TaskForm::ratio, TaskForm::difference}) {
      const std::string what = refusal([&](Graph& g) {
        const Region x = g.all(g.tensor("x", 1, kCols));
        const int a = g.term("a", Divisor::rows, kCols), b = g.term("b", Divisor::rows, kCols);
        if (first) g.task("t", form, {a, b});
        g.add(SquaredErrorNode{x, x, a});
        g.add(SquaredErrorNode{x, x, b});
        if (!first) g.task("t", form, {a, b});
      });
      EXPECT_NE(what.find("the two terms of one inherent-variational loss"), std::string::npos) << what;
    }
}

TEST(Graph, RefusesATermOfTwoLossesOrTwoTasks) {
  const auto error = [](Graph& g, int term) {
    const Region x = g.all(g.tensor("x", 1, kCols));
    g.add(SquaredErrorNode{x, x, term});
  };
  const std::string made_twice = refusal([&](Graph& g) {
    const int term = g.term("a", Divisor::rows, kCols);
    error(g, term);
    error(g, term);
  });
  EXPECT_NE(made_twice.find("made by two losses"), std::string::npos) << made_twice;
  const std::string in_two = refusal([&](Graph& g) {
    const int term = g.term("a", Divisor::rows, kCols);
    g.task("one", TaskForm::sum, {term});
    g.task("two", TaskForm::sum, {term});
  });
  EXPECT_NE(in_two.find("in the tasks twice"), std::string::npos) << in_two;
  EXPECT_NE(refusal([&](Graph& g) {
              const int term = g.term("a", Divisor::rows, kCols);
              g.task("one", TaskForm::sum, {term, term});
            }),
            "");
}

}  // namespace
}  // namespace equipoise::test
