// engine/graph/graph_checks.cpp - graphs whose gradient would silently be another function's are refused while they are
// built.
#include <algorithm>
#include <optional>

#include "engine/base/error.h"
#include "engine/graph/graph.h"

namespace equipoise {

namespace {

/// What a loss takes for one of its terms: the divisor of its mean with the `per_row` that it divides its gradient by,
/// and whether it can be a sum over the batch too, then with `per_row_of_sum`, or any if there is none.
struct LossRule {
  int term;
  const char* loss;
  Divisor mean;
  double per_row;
  bool sum = true;
  std::optional<double> per_row_of_sum = 1.0;
};

std::vector<LossRule> rules_of(const Graph& graph, const Node& node) {
  struct Visitor {
    const Graph& graph;
    using Rules = std::vector<LossRule>;
    Rules operator()(const SquaredErrorNode& o) const {
      return {{o.term, "a squared error", Divisor::rows, double(o.y.cols), true, std::nullopt}};
    }
    Rules operator()(const LatentNode& o) const {
      if (o.kl_term < 0) return {};
      return {{o.kl_term, "a KL divergence", Divisor::rows, double(graph.all(o.z).cols), true, std::nullopt}};
    }
    Rules operator()(const TargetNode& o) const { return {{o.term, "a loss of targets", Divisor::counted, 1.0}}; }
    Rules operator()(const TargetCrossEntropyNode& o) const {
      return {{o.term, "a cross-entropy of targets", Divisor::counted, 1.0}};
    }
    Rules operator()(const AdversarialNode& o) const {
      return {{o.term, "an adversarial loss", Divisor::rows, double(o.x.cols)}};
    }
    Rules operator()(const CrossEntropyNode& o) const {
      return {{o.term, "a cross-entropy", Divisor::label_weight, 1.0, false}};
    }
    Rules operator()(const InherentVariationalNode& o) const {
      return {{o.inherent_term, "an inherent loss", Divisor::rows, double(o.shared), false},
              {o.variational_term, "a variational loss", Divisor::rows, double(o.z.cols - o.shared), false}};
    }
    Rules operator()(const LinearNode&) const { return {}; }
    Rules operator()(const SumNode&) const { return {}; }
    Rules operator()(const MultiplyNode&) const { return {}; }
    Rules operator()(const SoftmaxNode&) const { return {}; }
  };
  return std::visit(Visitor{graph}, node);
}

const char* name_of(Divisor divisor) {
  switch (divisor) {
    case Divisor::rows:
      return "rows";
    case Divisor::label_weight:
      return "label_weight";
    case Divisor::counted:
      return "counted";
    case Divisor::none:
      break;
  }
  return "none";
}

std::string text(double value) {
  std::string digits = std::to_string(value);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

[[noreturn]] void refuse_graph(const std::string& sentence) { throw Error(ExitCode::usage, sentence); }

}  // namespace

void Graph::expect_own_mean(const Node& node) const {
  for (const LossRule& rule : rules_of(*this, node)) {
    const Term& term = terms_[static_cast<std::size_t>(rule.term)];
    const bool sum = rule.sum && term.divisor == Divisor::none;
    const bool any = sum && !rule.per_row_of_sum;
    const double wanted = sum ? rule.per_row_of_sum.value_or(term.per_row) : rule.per_row;
    if ((sum || term.divisor == rule.mean) && term.per_row == wanted && !(any && !(term.per_row > 0))) continue;
    std::string takes = std::string("divisor ") + name_of(rule.mean) + " with per_row " + text(rule.per_row);
    if (rule.sum)
      takes += std::string(", or none with ") +
               (rule.per_row_of_sum ? "per_row " + text(*rule.per_row_of_sum) : "any positive per_row");
    refuse_graph("term " + term.name + " is " + rule.loss + ", which takes " + takes + "; it has divisor " +
           name_of(term.divisor) + " with per_row " + text(term.per_row));
  }
}

void Graph::expect_one_maker(const Node& node) const {
  for (const int term : terms_of(node))
    for (const Node& other : nodes_) {
      const std::vector<int> made = terms_of(other);
      if (std::find(made.begin(), made.end(), term) != made.end())
        refuse_graph("term " + terms_[static_cast<std::size_t>(term)].name +
               " is made by two losses; give each a term of its own");
    }
}

void Graph::expect_one_task(const std::vector<int>& terms) const {
  for (std::size_t t = 0; t < terms.size(); ++t) {
    const Term& term = terms_[static_cast<std::size_t>(terms[t])];
    if (term.task >= 0 || std::find(terms.begin(), terms.begin() + static_cast<std::ptrdiff_t>(t), terms[t]) !=
                              terms.begin() + static_cast<std::ptrdiff_t>(t))
      refuse_graph("term " + term.name + " is in the tasks twice; a term counts in one task, once");
  }
}

// Both of an inherent-variational node's gradients go to the lane of one task.
void Graph::expect_known_slopes(const Node& node) const {
  const auto* both = std::get_if<InherentVariationalNode>(&node);
  if (!both) return;
  const Term& inherent = terms_[static_cast<std::size_t>(both->inherent_term)];
  const Term& variational = terms_[static_cast<std::size_t>(both->variational_term)];
  if (inherent.task >= 0 && variational.task >= 0 && inherent.task != variational.task)
    refuse_graph("terms " + inherent.name + " and " + variational.name +
           " of one inherent-variational loss are in two tasks; put them in one");
}

// No other loss reads the slopes that a ratio or difference gives its terms.
void Graph::expect_known_slopes(const Task& task) const {
  if (task.form == TaskForm::sum) return;
  const auto wrong = [&] {
    refuse_graph("task " + task.name + " is a " + (task.form == TaskForm::ratio ? "ratio" : "difference") +
           ", which takes the two terms of one inherent-variational loss and no other; make it a sum");
  };
  if (task.terms.size() != 2) wrong();
  for (const Node& node : nodes_) {
    const std::vector<int> made = terms_of(node);
    const auto makes = [&](int term) { return std::find(made.begin(), made.end(), term) != made.end(); };
    if (std::holds_alternative<InherentVariationalNode>(node)) continue;  // whose terms are in one task, both
    if (makes(task.terms[0]) || makes(task.terms[1])) wrong();
  }
}

}  // namespace equipoise
