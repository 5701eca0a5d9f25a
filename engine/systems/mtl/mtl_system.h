// engine/systems/mtl/mtl_system.h - multi-task networks' answers to what depends on the kind of model.
#pragma once

#include <algorithm>

#include "engine/systems/mtl/mtl.h"
#include "engine/systems/setup.h"

namespace equipoise {

class MtlSystem final : public System {
 public:
  static constexpr std::string_view kKind = "mtl";

  MtlModel model;

  std::unique_ptr<System> clone() const override { return std::make_unique<MtlSystem>(*this); }
  std::string_view kind() const override { return kKind; }
  std::vector<std::string_view> variants() const override { return {"towers", "trunk"}; }
  std::string_view variant_meaning() const override {
    return "towers or trunk: names of layers and defaults as published";
  }
  std::vector<std::string_view> sources() const override { return {"tables", "gradnorm-towers", "gradnorm-toy"}; }
  std::vector<Preset> presets() const override;
  SystemTraits traits() const override;

  Setup published(std::string_view variant) const override;
  Defaults defaults(const Chosen& chosen) const override;
  std::vector<ModelKey> keys() override;
  std::vector<KeyUse> uses() const override;
  std::vector<Monitor> monitors() const override;
  Watch watch(const Monitored& by) const override;
  std::vector<std::pair<std::string, std::string>> contradictions() const override { return {}; }
  void take_sizes(const Dataset& data, Setup& setup) override;
  std::string demands() const override;

  Graph graph(Pass pass) const override { return mtl_graph(model, pass); }
  std::vector<TaskInfo> tasks() const override;
  std::vector<RunTables::Values> sources(const Dataset& data) const override;
  std::span<const Target> targets() const override { return model.tasks; }
  double dropout() const override { return model.dropout; }
  bool rows_at_once() const override;
  int weighed_classes(const Dataset&) const override { return std::max(1, model.class_weights()); }
  std::vector<TaskClasses> task_classes(const Dataset& data) const override;
  void weigh_classes() override { model.weighs_classes = true; }

  std::vector<NamedRegion> representations(const Graph& graph) const override;
  std::vector<NamedStretches> parameter_groups() const override;
  std::string network_obstacle(const std::vector<Stretch>& over) const override;

  void write(std::map<std::string, std::string>& metadata) const override;
  void read(const Metadata& metadata, const Shapes& shapes) override;
  std::unique_ptr<RecordForm> record_form(const Setup& setup) const override;
  std::vector<Stretch> recorded_over() const override { return {}; }

  void judge_answers(Answered said, Evaluation& to) const override;
  void judge(const Said& said, Evaluation& to) const override;
  double watched(const Evaluation& evaluation, const Monitored& by) const override;
  std::vector<AnswerColumn> answer_columns(const AnswerNames& names) const override;
  std::vector<Decision> decisions(const AnswerNames& names) const override;
  std::vector<std::string> latent_names() const override;
  std::vector<double> latents(const Said& said) const override;

  std::size_t name_letters() const override { return 16; }
  std::pair<std::string, std::string> shown_figure() const override { return {}; }
  bool shows_validation_losses() const override { return true; }
  std::string warning(std::span<const std::string>, std::span<const double>) const override { return ""; }
};

/// The published settings of "towers" or "trunk".
inline Setup mtl_setup(const std::string& variant) { return MtlSystem().published(variant); }

/// The model of a setup that is known to be of this kind.
inline MtlModel& mtl(Setup& setup) { return of_kind<MtlSystem>(*setup.system).model; }
inline const MtlModel& mtl(const Setup& setup) { return of_kind<MtlSystem>(*setup.system).model; }

}  // namespace equipoise
