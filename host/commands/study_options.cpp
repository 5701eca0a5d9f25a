// host/commands/study_options.cpp - from the words of a study command to what it is asked to do.
#include "host/commands/study_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "host/commands/option_numbers.h"
#include "host/config/config_value.h"

namespace equipoise {

namespace {

/// "study.grid=["a=1,2", "b=3"]"
std::string as_setting(const char* key, const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  for (const std::string& text : texts) quoted.push_back(toml_string(text));
  return fmt::format("study.{}=[{}]", key, fmt::join(quoted, ", "));
}

}  // namespace

void StudyOptionWords::add_to(CLI::App* app) {
  app->add_option("CONFIG", options_.config, "config file; may be left out with --resume");
  const auto number = [&](const char* option, const char* key, const char* meaning) {
    app->add_option(option, numbers_[key], meaning)->type_name("N");
  };
  if (folds()) {
    number("--folds", "folds", "parts of the rows, each held out once in every repeat; default: 5");
    number("--repeats", "repeats", "times the rows are dealt to folds anew; default: 1");
    number("--inner-folds", "inner_folds",
           "inner folds that choose epoch and setting; default: the share data.validation does");
  } else {
    app->add_option(
           "--fixed-weights", fixed_weights_,
           "all fixed task weights i/N with whole i, in place of --grid: the control of every balancing method")
        ->type_name("N");
  }
  number("--seeds", "seeds", "models of each setting and split, from train.seed on; default: 1");
  app->add_option("--grid", grid_, "values of a key: --grid optimizer.lr=1e-4,1e-3; repeated, all combinations")
      ->type_name("KEY=V,V,...")
      ->allow_extra_args(false);
  number("--random", "random", "settings drawn from the ranges");
  app->add_option("--range", ranges_,
                  "what is drawn: --range optimizer.lr=log:1e-5:1e-2; also uniform, int, logint, choice:V,V")
      ->type_name("KEY=RANGE")
      ->allow_extra_args(false);
  app->add_option("--out", options_.out, "study folder; default: studies/<config>-<time>")->type_name("DIR");
  app->add_option("--threads", threads_, "CPU threads, which take a member each; default: all")->type_name("N");
  app->add_option("--part", options_.part, "train the I-th of N parts of the members; see study merge")
      ->type_name("I/N");
  app->add_flag("--resume", options_.resume, "go on with the study in --out");
  app->add_flag("--dry-run", options_.dry_run, "say what would be done: members, steps, memory; write nothing");
}

StudyOptions StudyOptionWords::read() {
  StudyOptions o = options_;
  for (const auto& [key, text] : numbers_)
    if (!text.empty()) o.settings.push_back(fmt::format("study.{}={}", key, text));
  if (!grid_.empty()) o.settings.push_back(as_setting("grid", grid_));
  if (!ranges_.empty()) o.settings.push_back(as_setting("ranges", ranges_));
  if (!threads_.empty()) o.threads = whole_number<int>("--threads", threads_, 1, 4096);
  if (!fixed_weights_.empty()) o.fixed_weights = whole_number<int>("--fixed-weights", fixed_weights_, 2, 1000);
  return o;
}

void StudyCommandLine::add_study(const MakeCommand& command, const std::string& name, const std::string& meaning,
                                 StudyOptionWords& words, Choices& choices) {
  CLI::App* app = command(name, meaning, [this, &words] {
    words.options().log_format =
        one_of<LogFormat>("--log-format", log_format_, {{"text", LogFormat::text}, {"json", LogFormat::json}});
    words.options().kernel_mode = kernel_mode_of(kernel_mode_);
    return study_command(words.read());
  });
  words.add_to(app);
  add_settings(choices, app, words.options().settings);
  add_device(choices, app, words.options().device, true);
  add_data_root(app, words.options().data_root);
  add_kernel_mode(choices, app, kernel_mode_);
  add_choice(choices, app, "--log-format", log_format_, {"text", "json"}, "text or json")->type_name("FORMAT");
  add_quiet(app, words.options().quiet);
}

void StudyCommandLine::add_to(const MakeCommand& command, Choices& choices) {
  add_study(command, "cross-validate", "train and judge models over folds, repeats, seeds and settings",
            cross_validate_, choices);
  add_study(command, "sweep", "train the models of one split over settings and seeds", sweep_, choices);

  CLI::App* member = command("member", "one model of a study as a run folder, equal to it bit for bit", [this] {
    member_.number = whole_number<int>("MEMBER", number_, 1, 1'000'000);
    return member_command(member_);
  });
  member->add_option("STUDY", member_.study, "study folder")->required();
  member->add_option("MEMBER", number_, "its number in members.csv")->required();
  member->add_option("--out", member_.out, "run folder; default: runs/<study>-member<number>")->type_name("DIR");
  add_data_root(member, member_.data_root);
  add_device(choices, member, member_.device);
  add_quiet(member, member_.quiet);

  CLI::App* study = command("study", "merge: make one study of parts that were trained apart by --part", [this] {
    one_of<bool>("study", action_, {{"merge", true}});
    return merge_command(merge_);
  });
  choices[study->add_option("ACTION", action_, "merge")->required()] = {"merge"};
  study->add_option("PART", merge_.parts, "study folders of all parts")->required();
  study->add_option("--out", merge_.out, "study folder")->type_name("DIR")->required();
  add_data_root(study, merge_.data_root);
  add_device(choices, study, merge_.device, true);
  add_quiet(study, merge_.quiet);
}

}  // namespace equipoise
