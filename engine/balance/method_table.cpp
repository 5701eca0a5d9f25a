// engine/balance/method_table.cpp - the table of methods. A key that a method does not read is not in its line.
#include "engine/balance/method_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <type_traits>

namespace equipoise::method_table {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

template <auto field>
double get_field(const Method& m) {
  return static_cast<double>(m.*field);
}
template <auto field>
void set_field(Method& m, double value) {
  using Field = std::remove_reference_t<decltype(m.*field)>;
  if constexpr (std::is_enum_v<Field>) m.*field = static_cast<Field>(static_cast<int32_t>(value));
  else m.*field = static_cast<Field>(value);
}

template <auto field>
Key number(std::string_view name, Range range) {
  return {name, {}, range, get_field<field>, set_field<field>, nullptr};
}
template <auto field>
Key word(std::string_view name, std::vector<std::string> words) {
  return {name, std::move(words), {0, kNoLimit}, get_field<field>, set_field<field>, nullptr};
}
Key of_run(std::string_view name, std::optional<double> MethodList::*field, Range range) {
  return {name, {}, range, nullptr, nullptr, field};
}

}  // namespace

bool Range::holds(double x) const {
  const bool above = with_least ? x >= least : x > least, below = with_most ? x <= most : x < most;
  return above && below && x < kNoLimit && (!whole || x == static_cast<int32_t>(x));
}

std::string Range::text() const {
  const std::string kind = whole ? "a whole number" : "a number";
  if (most == kNoLimit) return fmt::format("{} {} {}", kind, with_least ? "of at least" : "above", least);
  if (whole) return fmt::format("{} from {} to {}", kind, least, most);
  return fmt::format("{} in {}{}, {}{}", kind, with_least ? '[' : '(', least, most, with_most ? ']' : ')');
}

std::string Key::values() const { return words.empty() ? range.text() : fmt::format("{}", fmt::join(words, "|")); }

std::string Key::text(double value) const {
  return words.empty() ? fmt::format("{}", value) : words[static_cast<std::size_t>(value)];
}

const Key* Entry::find(std::string_view key) const {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == key; });
  return found == keys.end() ? nullptr : &*found;
}

const std::vector<Entry>& entries() {
  using enum MethodKind;
  static const std::vector<Entry> all = [] {
    constexpr Range positive{0, kNoLimit, false}, not_negative{0, kNoLimit}, share{0, 1};
    const Key normalise = word<&Method::normaliser>(kNormalise, {"none", "l2", "loss", "loss+"});
    const Key order = word<&Method::identity_order>("order", {"random", "identity"});
    const Key task_lr = of_run("lr", &MethodList::task_lr, positive);
    const std::vector<Key> gradnorm_keys = {
        of_run("alpha", &MethodList::alpha, not_negative),
        task_lr,
        word<&Method::softmax>("form", {"weights", "softmax"}),
        word<&Method::loss_ratio>("loss_ratio", {"raw", "weighted"}),
        word<&Method::renormalise>("renormalise", {"none", "after_step", "in_loss"}),
        word<&Method::restart>("restart", {"never", "each_step"}),
        word<&Method::network>("network", {"off", "on"})};
    const auto leaks = number<&Method::leak>("leak", share);
    return std::vector<Entry>{
        {identity, "identity", "the sum of the losses with the initial weights", {}},
        {equal, "equal", "the mean of the losses", {}},
        {gradnorm, "gradnorm", "weights that keep the tasks' pace equal (Chen et al. 2018)", gradnorm_keys},
        {gradnorm_modified, "gradnorm_modified",
         "the same with gradient norms in place of losses (Javaloy, Meghdadi and Valera 2022)", gradnorm_keys},
        {uw, "uw", "weights from learned variances (Kendall, Gal and Cipolla 2018)", {task_lr}},
        {dwa,
         "dwa",
         "weights from how fast losses fell over two epochs (Liu, Johns and Davison 2019)",
         {number<&Method::temperature>("temperature", positive)}},
        {rlw, "rlw", "random weights (Lin et al. 2022)", {}},
        {famo,
         "famo",
         "equal falls of the losses' logarithms, without gradients (Liu et al. 2023)",
         {number<&Method::lr>("lr", positive), number<&Method::decay>("decay", not_negative)}},
        {mgda, "mgda", "the shortest convex combination (Desideri 2012; Sener and Koltun 2018)", {normalise}},
        {pcgrad, "pcgrad", "project away what conflicts (Yu et al. 2020)", {normalise, order}},
        {gradvac,
         "gradvac",
         "raise cosines to their moving averages (Wang et al. 2021)",
         {normalise, order, number<&Method::beta>("beta", share)}},
        {cagrad,
         "cagrad",
         "the best worst gain near the mean (Liu et al. 2021)",
         {normalise, number<&Method::c>("c", {0, 1, true, false})}},
        {imtl_g, "imtl_g", "equal projections on every task's direction (Liu et al. 2021)", {normalise}},
        {nsgd,
         "nsgd",
         "normalised gradients, weighed by how they changed",
         {normalise, number<&Method::update_at>("update_at", {0, 1e9, true, true, true})}},
        {upgrad, "upgrad", "the mean of the projections on the dual cone (Quinton and Rey 2024)", {normalise}},
        {dualproj,
         "dualproj",
         "the mean gradient's projection on the dual cone (Lopez-Paz and Ranzato 2017)",
         {normalise}},
        {aligned_mtl, "aligned_mtl", "principal components of equal length (Senushkin et al. 2023)", {normalise}},
        {nash_mtl, "nash_mtl", "the Nash bargaining solution (Navon et al. 2022)", {normalise}},
        {fairgrad,
         "fairgrad",
         "alpha-fair gains (Ban and Ji 2024)",
         {normalise, number<&Method::alpha>("alpha", {0.1, 10})}},
        {config, "config", "equal cosines with every task (Liu, Chu and Thuerey 2024)", {normalise}},
        {graddrop,
         "graddrop",
         "of each element the gradients of one sign, by a draw; only as the last (Chen et al. 2020)",
         {leaks}},
    };
  }();
  return all;
}

}  // namespace equipoise::method_table
