// host/commands/record_command.cpp - record: the first steps of a training as one file.
#include <fmt/format.h>

#include "engine/train/record.h"
#include "host/commands/commands.h"
#include "host/config/model_config.h"
#include "host/run/device_choice.h"
#include "host/run/output_file.h"
#include "host/text/printable.h"

namespace equipoise {

ExitCode record_command(const RecordOptions& o) {
  expect_not_input(o.out, o.config, "the config");
  expect_may_write(o.out, o.force);
  const Config config = load_config(o.config, o.settings);
  if (!config.data.generated()) expect_not_table(o.out, files_of(config.data));
  const PreparedData prepared = prepare_data(config);
  const TrainingPlan plan = training_plan(config, prepared.data, prepared.split);
  Log log(LogFormat::text, o.quiet);
  for (const std::string& notice : prepared.notices) log.info(notice);
  const auto executor = make_executor(o.device, log);
  write_output(o.out, record_training(prepared.data, prepared.split, plan, o.steps, *executor), o.force);
  print_result(fmt::format("recorded {} steps of {} rows: {}\n", o.steps, plan.batch, printable(o.out.string())));
  return ExitCode::done;
}

}  // namespace equipoise
