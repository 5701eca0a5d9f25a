// engine/systems/system.h - what a system is: one type that answers every question that depends on the kind of model.
//
// A system is a folder, engine/systems/<kind>/, and a line in the table of systems.cpp. An object of it is a model with
// its sizes and settings. Nothing has a default, so that a system that forgets an answer does not compile; nowhere else
// is a kind of model asked for (tests/structure/kind_questions.py looks for it).
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/dataset.h"
#include "engine/graph/graph.h"
#include "engine/graph/pass.h"
#include "engine/likelihood/likelihood.h"
#include "engine/run/executor.h"
#include "engine/statistics/figures.h"
#include "engine/systems/keys.h"

namespace equipoise {

struct Balancer;    // engine/lower/lower.h
class Metadata;     // engine/systems/metadata.h
class Shapes;       // engine/systems/metadata.h
class RecordForm;   // engine/record/record_form.h
struct Setup;       // engine/systems/setup.h
struct Evaluation;  // engine/systems/evaluation.h

/// What chooses the best epoch: the largest AUC, of several tasks of classes their mean; the smallest of what the
/// system calls its loss; the smallest deviance, of several tasks their mean; or nothing (the last state is the model).
enum class Monitor { auc, loss, deviance, none };

/// A monitor, and what it is of.
struct Monitored {
  Monitor monitor = Monitor::none;
  int task = -1;                         ///< alone; -1: all tasks
  std::span<const double> weights = {};  ///< of the losses where those are watched: initial ones, [tasks] or more
  const Dataset& data;
  std::span<const int> rows = {};  ///< that are evaluated
};

/// A place in a model at which, or a group of parameters over which, gradients can be balanced.
struct NamedRegion {
  std::string name;
  Region region;
};
struct NamedStretches {
  std::string name;
  std::vector<Stretch> stretches;
};

/// A loss that is balanced, or routed.
struct TaskInfo {
  std::string name;
  double lower_bound = 0;  ///< no value of the loss lies below; -infinity if there is none
};

/// What a system asks of data and training, and what it can do with them.
struct SystemTraits {
  int least_views, most_views;  ///< tables of features
  bool labels;                  ///< learns from a column of classes
  bool targets;                 ///< learns from columns with likelihoods of their own
  bool balanced;                ///< its gradients are balanced; else its losses are routed
  bool weighs_classes;          ///< train.class_weights
  bool tells_labels;            ///< predictions name the label
  bool generates;               ///< makes rows from its prior
};

/// Rows of generated data.
struct GeneratorDefaults {
  int features = 100;
  std::vector<double> sigmas = {1, 100};  ///< of the tasks
};

/// What holds where a config says nothing: the published settings, and what they leave open.
struct Defaults;  // engine/systems/setup.h

/// What a config says that its defaults depend on.
struct Chosen {
  std::string_view variant = "", source = "";
  int views = 0;  ///< tables of features; 0: as many as published
};

/// A config that `init` prints.
struct Preset {
  std::string_view name;                     ///< of the preset: mldrl, towers, ...
  std::string_view variant, source;          ///< source "" = tables
  std::string_view head;                     ///< one sentence
  std::vector<std::string_view> views = {};  ///< example names of tables
  std::string_view outcome = "";             ///< example name of the table of labels
  double lr = 0;                             ///< of the optimizer where it is not the variant's; 0: it is
};

/// What an evaluation is judged by.
struct Said {
  const Dataset& data;
  std::span<const int> rows;                       ///< row numbers
  const std::vector<std::vector<float>>& outputs;  ///< [output][rows, cols] that the evaluation graph emits
  /// One for each decision, in their order: from which probability of the second of two classes on a row is called by
  /// it (of more classes it is not read); {}: 1/2 each.
  std::span<const double> thresholds = {};
};

/// Answers of some rows as an Evaluation holds them, from one model or as the mean of several.
struct Answered {
  const Dataset& data;
  std::span<const int> rows;                ///< row numbers
  std::vector<double> answers;              ///< [rows, answer_cols]
  std::span<const double> thresholds = {};  ///< as of Said
};

/// Names that answers are told with.
struct AnswerNames {
  const std::vector<std::string>& labels;  ///< of the classes of the label
  const std::vector<FittedTarget>& targets;
};

/// Classes between which a row's answers decide: two by a threshold of the second's probability, more by the largest.
struct Decision {
  std::string name;                  ///< of its column: decision, or decision_<task>
  std::size_t first = 0;             ///< which answer is the probability of the first class; the others follow it
  std::vector<std::string> classes;  ///< as the data name them
  int target = -1;                   ///< column of Dataset::targets that holds the truth; -1: the label
};

/// Classes whose rows a loss can weigh: those of the label, or of one task's target.
struct TaskClasses {
  std::string task;         ///< "" of the label
  int classes = 0;          ///< 2 or more
  std::vector<int> of_row;  ///< [rows], -1 where a row has none
};

class System {
 public:
  virtual ~System() = default;
  virtual std::unique_ptr<System> clone() const = 0;

  // In words.
  virtual std::string_view kind() const = 0;                   ///< in configs and files
  virtual std::vector<std::string_view> variants() const = 0;  ///< in configs; the first is the default; {} = none
  virtual std::string_view variant_meaning() const = 0;
  virtual std::vector<std::string_view> sources() const = 0;  ///< of rows: tables, or generators; the first is the
                                                              ///< default
  virtual std::vector<Preset> presets() const = 0;
  virtual SystemTraits traits() const = 0;

  // Settings.
  /// The published settings of a variant ("" = the first), with a model whose sizes the data will fill in. Throws
  /// Error(usage) for another name.
  virtual Setup published(std::string_view variant) const = 0;
  /// What holds where a config says nothing. A variant or source that is none counts as the first.
  virtual Defaults defaults(const Chosen& chosen) const = 0;
  virtual std::vector<ModelKey> keys() = 0;      ///< of [model], in the order they are written; slots in this object
  virtual std::vector<KeyUse> uses() const = 0;  ///< keys of the other sections that not all systems know
  virtual std::vector<Monitor> monitors() const = 0;  ///< that can choose an epoch
  /// What one of them watches inside a launch: the value that watched() has of an Evaluation.
  virtual Watch watch(const Monitored& by) const = 0;
  /// What contradicts itself, as pairs of a key of [model] and a sentence's rest ("is 3, but ...").
  virtual std::vector<std::pair<std::string, std::string>> contradictions() const = 0;
  /// Takes sizes from the data; what the published setup makes of the number of tasks goes into `setup`.
  virtual void take_sizes(const Dataset& data, Setup& setup) = 0;
  /// What of model and data must agree, in words.
  virtual std::string demands() const = 0;

  // The model.
  virtual Graph graph(Pass pass) const = 0;
  virtual std::vector<TaskInfo> tasks() const = 0;
  /// Inputs of the graphs for training and evaluation, in the order of its sources.
  virtual std::vector<RunTables::Values> sources(const Dataset& data) const = 0;
  /// Its targets: where a likelihood fits numbers besides the network. Empty for systems without.
  virtual std::span<const Target> targets() const = 0;
  virtual double dropout() const = 0;  ///< share of hidden units that a step leaves out
  /// Evaluation takes all rows in one batch.
  virtual bool rows_at_once() const = 0;
  /// How many class weights a run has, at least one.
  virtual int weighed_classes(const Dataset& data) const = 0;
  /// What train.class_weights can weigh, in the order in which the weights stand; empty where no loss takes weights.
  virtual std::vector<TaskClasses> task_classes(const Dataset& data) const = 0;
  /// From now on its losses take a weight for each class of task_classes; without the call those of targets take none.
  virtual void weigh_classes() = 0;

  // Balancing.
  virtual std::vector<NamedRegion> representations(const Graph& graph) const = 0;
  virtual std::vector<NamedStretches> parameter_groups() const = 0;
  /// Why gradnorm's loss cannot be a loss of the network too, over these parameters; "" if it can.
  virtual std::string network_obstacle(const std::vector<Stretch>& over) const = 0;

  // Files.
  virtual void write(std::map<std::string, std::string>& metadata) const = 0;
  virtual void read(const Metadata& metadata, const Shapes& shapes) = 0;
  virtual std::unique_ptr<RecordForm> record_form(const Setup& setup) const = 0;
  /// Parameters over which records hold the Gram matrix; empty: all that several tasks reach.
  virtual std::vector<Stretch> recorded_over() const = 0;

  // Answers.
  /// Takes the answers: fills rows, labelled, answers and answer_cols, and adds the figures that follow from answers
  /// and truth alone. Answers that are not [rows, answer_cols] are a caller's mistake (invalid_argument).
  virtual void judge_answers(Answered said, Evaluation& to) const = 0;
  /// The same of a model's outputs, and the figures that need those; terms and losses are there already.
  virtual void judge(const Said& said, Evaluation& to) const = 0;
  /// What one of its monitors says; larger is better: losses and deviances are told as their negatives.
  virtual double watched(const Evaluation& evaluation, const Monitored& by) const = 0;
  virtual std::vector<AnswerColumn> answer_columns(const AnswerNames& names) const = 0;
  /// What is decided by the answers; empty where they are no classes.
  virtual std::vector<Decision> decisions(const AnswerNames& names) const = 0;
  /// Numbers by which the model represents a row, for another classifier: their names, and [rows, names] of them.
  virtual std::vector<std::string> latent_names() const = 0;
  virtual std::vector<double> latents(const Said& said) const = 0;

  // Progress.
  /// Letters of a task's name that tell it from the others in a line.
  virtual std::size_t name_letters() const = 0;
  /// A validation figure shown in the line of each epoch, by name and words; "" if none is.
  virtual std::pair<std::string, std::string> shown_figure() const = 0;
  virtual bool shows_validation_losses() const = 0;
  /// What is going wrong by an epoch's mean terms, a sentence's rest after "epoch 3: "; "" if nothing is.
  virtual std::string warning(std::span<const std::string> term_names, std::span<const double> terms) const = 0;
};

/// All systems, each as it is before a config or data say anything, in the order in which they are listed.
std::span<const System* const> systems();
/// By kind; null if there is none.
const System* find_system(std::string_view kind);

/// The object of a system that the caller knows to be of class `Of`; logic_error if it is not.
template <class Of>
Of& of_kind(System& system) {
  if (system.kind() != Of::kKind) throw std::logic_error("the model is of another kind than the caller says");
  return static_cast<Of&>(system);
}
template <class Of>
const Of& of_kind(const System& system) {
  return of_kind<Of>(const_cast<System&>(system));
}

/// A system as a value: copies copy the model. Empty until it is given one.
class AnySystem {
 public:
  AnySystem() = default;
  template <class Of>
  AnySystem(std::unique_ptr<Of> system) : system_(std::move(system)) {}  // not explicit: a value of any system
  AnySystem(const AnySystem& other) : system_(other.system_ ? other.system_->clone() : nullptr) {}
  AnySystem(AnySystem&&) noexcept = default;
  AnySystem& operator=(AnySystem other) noexcept {
    system_ = std::move(other.system_);
    return *this;
  }
  System& operator*() { return *system_; }
  const System& operator*() const { return *system_; }
  System* operator->() { return system_.get(); }
  const System* operator->() const { return system_.get(); }
  explicit operator bool() const { return system_ != nullptr; }

 private:
  std::unique_ptr<System> system_;
};

}  // namespace equipoise
