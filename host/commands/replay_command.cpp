// host/commands/replay_command.cpp - replay: a record's steps again, compared.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/train/replay.h"
#include "host/commands/commands.h"
#include "host/run/device_choice.h"
#include "host/run/output_file.h"
#include "host/text/json_number.h"
#include "host/text/printable.h"

namespace equipoise {

namespace {

using nlohmann::ordered_json;

std::string as_text(const std::vector<Deviation>& deviations, const Deviation& worst, double tolerance) {
  std::size_t widest = 0;
  for (const Deviation& d : deviations) widest = std::max(widest, printable(d.name).size());
  std::string text = fmt::format("{:<{}}  {:>10}\n", "tensor", widest, "deviation");
  for (const Deviation& d : deviations)
    text += fmt::format(
        "{:<{}}  {:>10.3g}{}\n", printable(d.name), widest, d.worst,
        d.worst > tolerance ? fmt::format("  over: element {} is {:.9g}, not {:.9g}", d.at, d.got, d.expected) : "");
  return text + fmt::format("worst: {:.3g} in {}, tolerance {:g}\n", worst.worst, printable(worst.name), tolerance);
}

std::string as_json(const std::vector<Deviation>& deviations, const Deviation& worst, double tolerance,
                    const std::string& device) {
  ordered_json json{{"device", device},
                    {"tolerance", tolerance},
                    {"within", !(worst.worst > tolerance)},
                    {"worst", json_number(worst.worst)},
                    {"worst_tensor", worst.name},
                    {"deviations", ordered_json::object()}};
  for (const Deviation& d : deviations) json["deviations"][d.name] = json_number(d.worst);
  return json.dump(1) + "\n";
}

}  // namespace

ExitCode replay_command(const ReplayOptions& o) {
  if (o.tolerance < 0)
    throw Error(ExitCode::usage, fmt::format("--tolerance {}: must be a number of at least 0", o.tolerance));
  if (o.out) {
    expect_not_input(*o.out, o.record, "the record");
    expect_may_write(*o.out, o.force);
  }
  const TensorFile record = read_safetensors(o.record);
  Log log(LogFormat::text, o.quiet);
  const auto executor = make_executor(o.device, log);
  const TensorFile replayed = replay_record(record, *executor);
  if (o.out) write_output(*o.out, replayed, o.force);
  std::vector<Deviation> deviations = compare_record(record, replayed);
  if (deviations.empty())
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: holds no outcome to compare with; re-create the record", o.record.string()));
  std::stable_sort(deviations.begin(), deviations.end(),
                   [](const Deviation& a, const Deviation& b) { return a.worst < b.worst; });
  const Deviation& worst = deviations.back();
  print_result(o.json ? as_json(deviations, worst, o.tolerance, executor->name())
                      : as_text(deviations, worst, o.tolerance));
  if (worst.worst > o.tolerance)
    throw Error(
        ExitCode::numerics,
        fmt::format(
            "{}: tensor '{}' deviates by {:.3g}, more than the tolerance {:g}; see the deviations on standard output",
            o.record.string(), worst.name, worst.worst, o.tolerance));
  return ExitCode::done;
}

}  // namespace equipoise
