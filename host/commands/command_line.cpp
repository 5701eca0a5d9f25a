// host/commands/command_line.cpp - commands and options, what is wrong with them, and how errors are told.
#include "host/commands/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <new>
#include <sstream>

#include "engine/balance/methods.h"
#include "host/commands/common_options.h"
#include "host/commands/completion.h"
#include "host/commands/failure.h"
#include "host/commands/option_numbers.h"
#include "host/commands/study_options.h"
#include "host/config/config.h"
#include "host/text/nearest_name.h"

namespace equipoise {

namespace {

constexpr int kMostSteps = 1'000'000;  // of a record, which has every tensor of each

/// The commands with their options, bound to where the values go.
class CommandLine {
 public:
  CommandLine() : app_("Trains small multi-loss networks and balances the gradients of their losses.", "equipoise") {
    app_.require_subcommand(0, 1);
    app_.add_flag("-V,--version", version_, "version, commit, compiler, CUDA and architectures");
    app_.footer(
        "Results go to standard output, the log to standard error.\nExit codes: 0 done, 2 usage or config, 3 data, "
        "4 checkpoint or record, 5 file system, 6 device,\n7 numerics or tolerance, 75 stopped and resumable.");
    add_train();
    studies_.add_to([this](auto&&... c) { return command(c...); }, choices_);
    add_evaluate();
    add_predict();
    add_embed();
    add_record();
    add_replay();
    CLI::App* init = command("init", "print a commented config to start from", [this] { return init_command(init_); });
    choices_[init->add_option("SYSTEM", init_.system, fmt::format("{}", fmt::join(preset_names(), ", ")))->required()] =
        preset_names();
    init->add_option("--from", init_.tables, "choose values for these tables of features and outcome, with reasons")
        ->type_name("TABLE");
    command("doctor", "build, devices, limits, and what to do when no GPU is found", doctor_command);
    add_generate();
    add_balance();
    add_completion_and_help();  // last: they know the commands before them
  }

  ExitCode run(int argc, const char* const* argv) {
    check_command_word(argc, argv);
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp& help) {
      print_result(text_of(help));
      return ExitCode::done;
    } catch (const CLI::ParseError& error) {
      refuse(error);
    }
    if (version_) return version_command();
    refuse_empty_values();
    for (const auto& [app, action] : actions_)
      if (app->parsed()) return action();
    throw Error(ExitCode::usage, fmt::format("no command is given; the commands are {}; see equipoise --help",
                                             fmt::join(names(), ", ")));
  }

 private:
  CLI::App* command(const std::string& name, const std::string& meaning, std::function<ExitCode()> action) {
    CLI::App* app = app_.add_subcommand(name, meaning);
    actions_.emplace_back(app, std::move(action));
    return app;
  }

  uint64_t seed() const { return whole_number<uint64_t>("--seed", seed_, 0, uint64_t{INT64_MAX}); }

  void add_train() {
    CLI::App* app = command("train", "train a model into a run folder", [this] {
      train_.log_format =
          one_of<LogFormat>("--log-format", log_format_, {{"text", LogFormat::text}, {"json", LogFormat::json}});
      train_.kernel_mode = kernel_mode_of(kernel_mode_);
      return train_command(train_);
    });
    app->add_option("CONFIG", train_.config, "config file; may be left out with --resume");
    add_settings(choices_, app, train_.settings);
    app->add_option("--out", train_.out, "run folder; default: runs/<config>-<time>")->type_name("DIR");
    add_device(choices_, app, train_.device);
    add_kernel_mode(choices_, app, kernel_mode_);
    app->add_flag("--resume", train_.resume, "go on with the run in --out");
    add_data_root(app, train_.data_root);
    app->add_flag("--dry-run", train_.dry_run, "say what would be done, parameters and memory; write nothing");
    app->add_option("--kernel", train_.kernel, "with --dry-run: write the source of the kernel that a GPU would run")
        ->type_name("FILE");
    app->add_flag("--print-config", train_.print_config, "print the resolved config and end");
    add_choice(choices_, app, "--log-format", log_format_, {"text", "json"}, "text or json")->type_name("FORMAT");
    add_quiet(app, train_.quiet);
  }

  void add_evaluate() {
    CLI::App* app = command("evaluate", "figures of a run's model on a part of its data, or on other patients", [this] {
      if (!split_.empty())
        evaluate_.part = one_of<Part>("--split", split_,
                                      {{"validation", Part::validation}, {"test", Part::test}, {"train", Part::train}});
      return evaluate_command(evaluate_);
    });
    app->add_option("RUN", evaluate_.run, "run folder, or a study's")->required();
    add_choice(choices_, app, "--split", split_, {"validation", "test", "train"},
               "validation, test or train; default: validation")
        ->type_name("PART");
    add_views(app, evaluate_.views, "tables of other patients, one for each view; - is standard input");
    app->add_option("--outcome", evaluate_.outcome, "their table of labels or targets")->type_name("FILE");
    add_data_root(app, evaluate_.data_root);
    add_device(choices_, app, evaluate_.device);
    app->add_flag("--json", evaluate_.json, "print JSON");
    add_quiet(app, evaluate_.quiet);
  }

  void add_predict() {
    CLI::App* app = command("predict", "what a run's model says of patients it has not seen",
                            [this] { return predict_command(predict_); });
    app->add_option("RUN", predict_.run, "run folder, or a study's")->required();
    add_views(app, predict_.views, "tables of the patients, one for each view; - is standard input")->required();
    app->add_option("--out", predict_.out, "the table of answers; default: standard output")->type_name("FILE");
    app->add_flag("--latent", predict_.latent, "the means of the latents too");
    add_force(app, predict_.force);
    add_device(choices_, app, predict_.device);
    add_quiet(app, predict_.quiet);
  }

  void add_embed() {
    CLI::App* app = command("embed", "the numbers by which a run's model represents rows, for another classifier",
                            [this] { return embed_command(embed_); });
    app->add_option("RUN", embed_.run, "run folder, or a study's")->required();
    add_views(app, embed_.views, "tables of other patients, one for each view; default: the run's own rows");
    app->add_option("--out", embed_.out, "an array where it ends in .npy, else a table; default: standard output")
        ->type_name("FILE");
    add_data_root(app, embed_.data_root);
    add_force(app, embed_.force);
    add_device(choices_, app, embed_.device);
    add_quiet(app, embed_.quiet);
  }

  void add_generate() {
    CLI::App* app = command("generate", "new rows from a trained VAE-GAN, in the units of its data", [this] {
      generate_.rows = whole_number<int>("--rows", rows_, 1, 10'000'000);
      generate_.seed = seed();
      return generate_command(generate_);
    });
    app->add_option("RUN", generate_.run, "run folder")->required();
    app->add_option("--rows", rows_, "how many")->type_name("N")->capture_default_str();
    app->add_option("--seed", seed_, "of the draws")->type_name("S")->capture_default_str();
    app->add_option("--out", generate_.out, "the table; default: standard output")->type_name("FILE");
    add_force(app, generate_.force);
    add_device(choices_, app, generate_.device);
    add_quiet(app, generate_.quiet);
  }

  void add_record() {
    CLI::App* app = command("record", "write the first steps of a training as one file", [this] {
      record_.steps = whole_number<int>("--steps", steps_, 1, kMostSteps);
      return record_command(record_);
    });
    app->add_option("CONFIG", record_.config, "config file")->required();
    app->add_option("--steps", steps_, "how many")->type_name("N")->required();
    app->add_option("--out", record_.out, "the record")->type_name("FILE")->required();
    add_force(app, record_.force);
    add_settings(choices_, app, record_.settings);
    add_device(choices_, app, record_.device);
    add_quiet(app, record_.quiet);
  }

  void add_replay() {
    CLI::App* app = command("replay", "run a record's steps again and compare", [this] {
      replay_.tolerance = finite_number("--tolerance", tolerance_);
      return replay_command(replay_);
    });
    app->add_option("FILE", replay_.record, "the record")->required();
    add_device(choices_, app, replay_.device);
    app->add_option("--tolerance", tolerance_, "largest deviation allowed")->type_name("T")->capture_default_str();
    app->add_flag("--json", replay_.json, "print JSON");
    app->add_option("--out", replay_.out, "write the outcomes")->type_name("FILE");
    add_force(app, replay_.force);
    add_quiet(app, replay_.quiet);
  }

  void add_balance() {
    CLI::App* app = command("balance", "what balancing methods make of K gradients", [this] {
      balance_.losses = finite_numbers("--losses", losses_);
      balance_.initial_losses = finite_numbers("--initial-losses", initial_losses_);
      balance_.seed = seed();
      balance_.identity_order = one_of<bool>("--order", order_, {{"random", false}, {"identity", true}});
      return balance_command(balance_);
    });
    app->add_option("FILE", balance_.file, "gradients [K, D]: safetensors or .npy, float32 or rounded to it")
        ->required();
    app->add_option("--tensor", balance_.tensor, "their name in a safetensors file; default: grads")->type_name("NAME");
    choices_[app->add_option("--method", balance_.methods,
                             "NAME or NAME:key=value,...; may be repeated, acts left to right")
                 ->type_name("METHOD")
                 ->allow_extra_args(false)
                 ->required()] = method_names();
    app->add_option("--losses", losses_, "the tasks' losses; default: ones")->type_name("L,L,...");
    app->add_option("--initial-losses", initial_losses_, "their first losses; default: ones")->type_name("L,L,...");
    app->add_option("--seed", seed_, "of random orders, weights and draws")->type_name("S")->capture_default_str();
    add_choice(choices_, app, "--order", order_, {"random", "identity"},
               "in which pcgrad and gradvac visit tasks: random or identity")
        ->type_name("ORDER");
    app->add_option("--draws", balance_.draws, "tensor [D] of graddrop's uniform draws; default: drawn with the seed")
        ->type_name("NAME");
    app->add_option("--input", balance_.input, "tensor [D] whose sign graddrop multiplies the gradients with")
        ->type_name("NAME");
    add_device(choices_, app, balance_.device);
    app->add_flag("--rescale", balance_.rescale, "give the step the norm of the plain sum of gradients");
    app->add_flag("--json", balance_.json, "print JSON");
    app->add_option("--out", balance_.out, "write balanced [K, D] and step [D] as safetensors")->type_name("FILE");
    add_force(app, balance_.force);
    app->footer(balance_help);
  }

  void add_completion_and_help() {
    CLI::App* completion =
        command("completion", "print a script by which a shell completes commands and options", [this] {
          print_result(completion_script(app_, choices_, shell_));
          return ExitCode::done;
        });
    add_choice(choices_, completion, "SHELL", shell_, shell_names(), fmt::format("{}", fmt::join(shell_names(), ", ")))
        ->required();
    completion->footer("Try it with: source <(equipoise completion bash). The script says where it can be kept.");
    CLI::App* help = command("help", "print what a command does, as its --help", [this] { return print_help(); });
    CLI::Option* topic = help->add_option("COMMAND", topic_, "a command; without it the program's own help");
    choices_[topic] = names();
  }

  ExitCode print_help() {
    const std::vector<std::string> known = names();
    if (!topic_.empty() && std::find(known.begin(), known.end(), topic_) == known.end())
      throw Error(ExitCode::usage, fmt::format("help '{}': not a command; {}", topic_, did_you_mean(topic_, known)));
    // App::help of the program would print that of the command that was given: of this one.
    print_result(topic_.empty() ? app_.get_formatter()->make_help(&app_, app_.get_name(), CLI::AppFormatMode::Normal)
                                : app_.get_subcommand(topic_)->help(app_.get_name()));
    return ExitCode::done;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [app, action] : actions_) all.push_back(app->get_name());
    return all;
  }

  /// The first word must be a command; CLI11 would only say that it was not expected.
  void check_command_word(int argc, const char* const* argv) const {
    for (int i = 1; i < argc; ++i) {
      const std::string word = argv[i];
      if (word.starts_with('-')) continue;
      const std::vector<std::string> known = names();
      if (std::find(known.begin(), known.end(), word) == known.end())
        throw Error(ExitCode::usage, fmt::format("'{}' is not a command; {}", word, did_you_mean(word, known)));
      return;
    }
  }

  /// An empty argument is mostly a variable that a script did not set.
  void refuse_empty_values() const {
    const CLI::App& app = active();
    for (const CLI::Option* option : app.get_options())
      for (const std::string& value : option->results())
        if (value.empty())
          throw Error(ExitCode::usage, fmt::format("{}: {} is empty; give it a value or leave it out", app.get_name(),
                                                   option->get_name(option->get_positional())));
  }

  const CLI::App& active() const {
    for (const auto& [app, action] : actions_)
      if (app->parsed()) return *app;
    return app_;
  }

  std::string text_of(const CLI::ParseError& help) const {
    std::ostringstream out, ignored;
    app_.exit(help, out, ignored);
    return out.str();
  }

  [[noreturn]] void refuse(const CLI::ParseError& error) const {
    const CLI::App& app = active();
    const std::string name = &app == &app_ ? "" : app.get_name() + ": ";
    const std::string help = fmt::format("see equipoise {}--help", &app == &app_ ? "" : app.get_name() + " ");
    for (const std::string& word : app.remaining(true)) {
      if (!word.starts_with('-'))
        throw Error(ExitCode::usage, fmt::format("{}'{}' is one argument too many; {}", name, word, help));
      std::vector<std::string> options;
      for (const CLI::Option* option : app.get_options())
        if (!option->get_lnames().empty()) options.push_back("--" + option->get_lnames().front());
      const std::string bare = word.substr(0, word.find('='));
      throw Error(ExitCode::usage, fmt::format("{}'{}' is not an option; {}", name, bare, did_you_mean(bare, options)));
    }
    throw Error(ExitCode::usage, fmt::format("{}{}; {}", name, error.what(), help));
  }

  CLI::App app_;
  std::vector<std::pair<CLI::App*, std::function<ExitCode()>>> actions_;
  Choices choices_;  // of options that take words, for completion
  bool version_ = false;
  InitOptions init_;
  std::string rows_ = "1000", seed_ = "1", steps_, tolerance_ = "0.0001", losses_, initial_losses_;
  std::string shell_, topic_, log_format_ = "text", kernel_mode_ = "auto", split_, order_ = "random";
  TrainOptions train_;
  StudyCommandLine studies_;
  EvaluateOptions evaluate_;
  PredictOptions predict_;
  EmbedOptions embed_;
  GenerateOptions generate_;
  RecordOptions record_;
  ReplayOptions replay_;
  BalanceOptions balance_;
};

}  // namespace

int run_program(int argc, const char* const* argv) noexcept {
  const LogFormat format = log_format_of(argc, argv);
  try {
    return static_cast<int>(CommandLine().run(argc, argv));
  } catch (const Error& error) {
    return tell_failure(static_cast<int>(error.code()), error.what(), format);
  } catch (const std::filesystem::filesystem_error& error) {  // as where the current folder was removed
    return tell_failure(static_cast<int>(ExitCode::file_system), error.what(), format);
  } catch (const std::system_error& error) {  // as where the system gives no thread
    return tell_failure(static_cast<int>(ExitCode::device), error.what(), format);
  } catch (const std::bad_alloc&) {
    return tell_failure(static_cast<int>(ExitCode::device),
                        "memory ran out; lower train.batch, or use a machine with more of it", format);
  } catch (const std::exception& error) {
    return tell_internal_error(error.what(), format);
  } catch (...) {
    return tell_internal_error("", format);
  }
}

}  // namespace equipoise
