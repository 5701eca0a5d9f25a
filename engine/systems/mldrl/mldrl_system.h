// engine/systems/mldrl/mldrl_system.h - MLDRL's answers to what depends on the kind of model.
#pragma once

#include "engine/systems/mldrl/mldrl.h"
#include "engine/systems/setup.h"

namespace equipoise {

class MldrlSystem final : public System {
 public:
  static constexpr std::string_view kKind = "mldrl";

  MldrlModel model;

  std::unique_ptr<System> clone() const override { return std::make_unique<MldrlSystem>(*this); }
  std::string_view kind() const override { return kKind; }
  std::vector<std::string_view> variants() const override { return {"paper", "code"}; }
  std::string_view variant_meaning() const override { return "paper, or code: as the authors' program does it"; }
  std::vector<std::string_view> sources() const override { return {"tables"}; }
  std::vector<Preset> presets() const override;
  SystemTraits traits() const override;

  Setup published(std::string_view variant) const override;
  Defaults defaults(const Chosen& chosen) const override;
  std::vector<ModelKey> keys() override;
  std::vector<KeyUse> uses() const override;
  std::vector<Monitor> monitors() const override;
  Watch watch(const Monitored& by) const override;
  std::vector<std::pair<std::string, std::string>> contradictions() const override;
  void take_sizes(const Dataset& data, Setup& setup) override;
  std::string demands() const override;

  Graph graph(Pass pass) const override { return mldrl_graph(model, pass); }
  std::vector<TaskInfo> tasks() const override;
  std::vector<RunTables::Values> sources(const Dataset& data) const override;
  std::span<const Target> targets() const override { return {}; }
  double dropout() const override { return 0; }
  bool rows_at_once() const override { return false; }
  int weighed_classes(const Dataset&) const override { return model.classes; }
  std::vector<TaskClasses> task_classes(const Dataset& data) const override {
    return {{"", model.classes, data.label}};
  }
  void weigh_classes() override {}  // it always does

  std::vector<NamedRegion> representations(const Graph& graph) const override;
  std::vector<NamedStretches> parameter_groups() const override;
  std::string network_obstacle(const std::vector<Stretch>&) const override {
    return "is known to multi-task networks alone";
  }

  void write(std::map<std::string, std::string>& metadata) const override;
  void read(const Metadata& metadata, const Shapes& shapes) override;
  std::unique_ptr<RecordForm> record_form(const Setup& setup) const override;
  std::vector<Stretch> recorded_over() const override { return mldrl_heads(model); }

  void judge_answers(Answered said, Evaluation& to) const override;
  void judge(const Said& said, Evaluation& to) const override;
  double watched(const Evaluation& evaluation, const Monitored& by) const override;
  std::vector<AnswerColumn> answer_columns(const AnswerNames& names) const override;
  std::vector<Decision> decisions(const AnswerNames& names) const override;
  std::vector<std::string> latent_names() const override;
  std::vector<double> latents(const Said& said) const override;

  std::size_t name_letters() const override { return 3; }
  std::pair<std::string, std::string> shown_figure() const override;
  bool shows_validation_losses() const override { return true; }
  std::string warning(std::span<const std::string> term_names, std::span<const double> terms) const override;
};

/// The published settings of "paper" or "code". The paper's formulas rule where the authors' code departs from them;
/// "code" reproduces the code.
inline Setup mldrl_setup(const std::string& variant) { return MldrlSystem().published(variant); }

/// The model of a setup that is known to be of this kind.
inline MldrlModel& mldrl(Setup& setup) { return of_kind<MldrlSystem>(*setup.system).model; }
inline const MldrlModel& mldrl(const Setup& setup) { return of_kind<MldrlSystem>(*setup.system).model; }

}  // namespace equipoise
