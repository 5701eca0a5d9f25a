// host/commands/embed_command.cpp - embed: the numbers by which a run's model represents rows, for another classifier.
#include <fmt/format.h>

#include <cmath>

#include "engine/files/npy.h"
#include "host/commands/commands.h"
#include "host/commands/study_commands.h"
#include "host/run/answers.h"
#include "host/run/device_choice.h"
#include "host/run/output_file.h"
#include "host/run/stored_run.h"
#include "host/study/ensemble.h"
#include "host/study/stored_study.h"
#include "host/text/csv_field.h"

namespace equipoise {

namespace {

/// Latents of some rows, in the order of their ids.
struct Embedded {
  std::vector<std::string> names;
  std::vector<std::string> ids;
  std::vector<std::string> folds;  // of the run's own rows
  std::vector<double> values;      // [ids, names]; NaN in rows that have no value in a view
};

void expect_finite(const StoredRun& run, const std::vector<double>& latents) {
  if (!all_finite(latents))
    throw Error(ExitCode::numerics, fmt::format("{}: a latent is not finite; look at the tables, or train again with a "
                                                "lower optimizer.lr",
                                                run.folder.string()));
}

Embedded embed_own(const StoredRun& run, const PreparedData& prepared, Executor& executor) {
  ModelRunner runner(run.model, prepared.data, prepared.split, executor);
  Embedded e{runner.system().latent_names(), prepared.data.ids, std::vector<std::string>(prepared.data.ids.size()), {}};
  const std::size_t width = e.names.size();
  e.values.resize(e.ids.size() * width);
  for (const Part part : {Part::train, Part::validation, Part::test}) {
    const std::vector<int>& rows = rows_of(prepared.split, part);
    if (rows.empty()) continue;
    const std::vector<double> latents = runner.latents(part);
    expect_finite(run, latents);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto row = static_cast<std::size_t>(rows[r]);
      e.folds[row] = part_name(part);
      std::copy_n(latents.begin() + static_cast<std::ptrdiff_t>(r * width), width,
                  e.values.begin() + static_cast<std::ptrdiff_t>(row * width));
    }
  }
  return e;
}

Embedded embed_new(const StoredRun& run, const NewRows& rows, Executor& executor) {
  ModelRunner runner(run.model, rows.data, rows.split, executor);
  Embedded e{runner.system().latent_names(), rows.ids, {}, {}};
  const std::size_t width = e.names.size();
  e.values.assign(e.ids.size() * width, kUndefined);
  if (rows.data.rows == 0) return e;
  const std::vector<double> latents = runner.latents(Part::train);
  expect_finite(run, latents);
  for (std::size_t r = 0; r < rows.answerable.size(); ++r)
    std::copy_n(latents.begin() + static_cast<std::ptrdiff_t>(r * width), width,
                e.values.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(rows.answerable[r]) * width));
  return e;
}

std::string cell(double x) { return std::isnan(x) ? "" : number_text(x); }

void as_table(const Embedded& e, const TextSink& sink) {
  std::string text = e.folds.empty() ? "id" : "id,fold";
  for (const std::string& name : e.names) text += ',' + name;
  sink(text += '\n');
  for (std::size_t row = 0; row < e.ids.size(); ++row) {
    text = csv_field(e.ids[row]);
    if (!e.folds.empty()) text += ',' + e.folds[row];
    for (std::size_t i = 0; i < e.names.size(); ++i) text += ',' + cell(e.values[row * e.names.size() + i]);
    sink(text += '\n');
  }
}

std::string as_array(const Embedded& e) {
  const std::vector<float> values(e.values.begin(), e.values.end());
  return npy_file(
      StoredTensor::from_floats({static_cast<int64_t>(e.ids.size()), static_cast<int64_t>(e.names.size())}, values));
}

Embedded embed(const StoredRun& run, const EmbedOptions& o, Log& log) {
  if (o.views.empty()) {
    const PreparedData prepared = data_of_run(run, o.data_root);
    const auto executor = make_executor(o.device, log);
    return embed_own(run, prepared, *executor);
  }
  const NewRows rows = read_new_rows(run, o.views, false, std::nullopt);
  for (const std::string& notice : rows.notices) log.info(notice);
  const auto executor = make_executor(o.device, log);
  return embed_new(run, rows, *executor);
}

/// Latents of several members in one table.
Embedded side_by_side(const std::vector<Embedded>& parts) {
  Embedded all{{}, parts.front().ids, {}, {}};
  for (const Embedded& part : parts) all.names.insert(all.names.end(), part.names.begin(), part.names.end());
  for (std::size_t row = 0; row < all.ids.size(); ++row)
    for (const Embedded& part : parts) {
      const auto first = part.values.begin() + static_cast<std::ptrdiff_t>(row * part.names.size());
      all.values.insert(all.values.end(), first, first + static_cast<std::ptrdiff_t>(part.names.size()));
    }
  return all;
}

void give(const Embedded& e, const EmbedOptions& o, Log& log) {
  const bool array = o.out && o.out->extension() == ".npy";
  const auto text = [&](const TextSink& sink) { array ? sink(as_array(e)) : as_table(e, sink); };
  give_result(o.out, o.force, text, log,
              fmt::format("embedded {} rows, in the order of their ids, by {} numbers", e.ids.size(), e.names.size()));
}

}  // namespace

ExitCode embed_command(const EmbedOptions& o) {
  if (holds_study(o.run)) return embed_study(o);
  Log log(LogFormat::text, o.quiet);
  const StoredRun run = run_to_ask(o.run, o.out, o.force, log);
  if (o.out) {
    expect_not_table(*o.out, o.views);
    for (const DataFile& file : run.account.files) expect_not_input(*o.out, file.path, "a table of the run");
  }
  give(embed(run, o, log), o, log);
  return ExitCode::done;
}

ExitCode embed_study(const EmbedOptions& o) {
  if (o.views.empty())
    throw Error(
        ExitCode::usage,
        "embed: some members of a study trained on its rows and others held them out; name tables by --views, or "
        "embed one member (equipoise member)");
  Log log(LogFormat::text, o.quiet);
  if (o.out) expect_may_answer(o.run, *o.out, o.force, o.views);
  expect_readable_again(o.views);
  const std::vector<ChosenRun> runs = chosen_runs(read_finished_study(o.run));
  const auto executor = make_executor(o.device, log);
  std::vector<Embedded> parts;
  for (const ChosenRun& chosen : runs) {
    parts.push_back(embed_new(chosen.run, read_new_rows(chosen.run, o.views, false, std::nullopt), *executor));
    for (std::string& name : parts.back().names) name = fmt::format("member{}_{}", chosen.number, name);
  }
  give(side_by_side(parts), o, log);
  return ExitCode::done;
}

}  // namespace equipoise
