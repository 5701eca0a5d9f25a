// host/study/choice.cpp - compares settings by what the inner validation rows said.
#include "host/study/choice.h"

#include <cmath>
#include <stdexcept>

#include "engine/statistics/mean_sd.h"

namespace equipoise {

namespace {

const MemberResult& result_of(const StudyPlan& plan, std::size_t member, const std::map<int, MemberResult>& results) {
  const auto found = results.find(plan.members[member].number);
  if (found == results.end()) throw std::logic_error("a member of the study has no result");
  return found->second;
}

/// The members of one setting in an outer part.
struct Candidate {
  std::vector<std::size_t> sound;
  std::size_t failed = 0;
  double inner = kUndefined;
};

/// [settings]
std::vector<Candidate> candidates(const StudyPlan& plan, const std::vector<std::size_t>& part,
                                  const std::map<int, MemberResult>& results) {
  std::vector<Candidate> candidates(plan.settings.size());
  std::vector<std::vector<double>> inner(plan.settings.size());
  for (const std::size_t m : part) {
    const MemberResult& result = result_of(plan, m, results);
    Candidate& candidate = candidates[plan.members[m].setting];
    if (!result.failure.empty()) {
      ++candidate.failed;
      continue;
    }
    candidate.sound.push_back(m);
    inner[plan.members[m].setting].push_back(result.inner);
  }
  for (std::size_t s = 0; s < candidates.size(); ++s)
    if (!inner[s].empty()) candidates[s].inner = mean_sd(inner[s]).mean;
  return candidates;
}

bool better(const Candidate& a, const Candidate& b) {
  if (a.failed != b.failed) return a.failed < b.failed;
  if (std::isnan(a.inner)) return false;
  return std::isnan(b.inner) || a.inner > b.inner;
}

}  // namespace

std::vector<std::vector<double>> inner_figures(const StudyPlan& plan, const std::map<int, MemberResult>& results) {
  std::vector<std::vector<double>> figures(plan.settings.size());
  for (const std::vector<std::size_t>& part : outer_parts(plan)) {
    const std::vector<Candidate> of_part = candidates(plan, part, results);
    for (std::size_t s = 0; s < of_part.size(); ++s)
      figures[s].push_back(of_part[s].failed > 0 ? kUndefined : of_part[s].inner);
  }
  return figures;
}

std::vector<OuterChoice> choose(const StudyPlan& plan, const std::map<int, MemberResult>& results) {
  std::vector<OuterChoice> choices;
  for (const std::vector<std::size_t>& part : outer_parts(plan)) {
    const std::vector<Candidate> of_part = candidates(plan, part, results);
    std::size_t best = 0;
    for (std::size_t s = 1; s < of_part.size(); ++s)
      if (better(of_part[s], of_part[best])) best = s;
    StudySplit split = plan.splits[plan.members[part.front()].split];
    split.inner = 0;
    choices.push_back({split, of_part[best].sound, best, of_part[best].inner});
  }
  return choices;
}

}  // namespace equipoise
