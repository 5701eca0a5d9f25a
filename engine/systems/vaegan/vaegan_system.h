// engine/systems/vaegan/vaegan_system.h - VAE-GAN's answers to what depends on the kind of model.
#pragma once

#include "engine/systems/setup.h"
#include "engine/systems/vaegan/vaegan.h"

namespace equipoise {

class VaeganSystem final : public System {
 public:
  static constexpr std::string_view kKind = "vaegan";

  VaeganModel model;

  std::unique_ptr<System> clone() const override { return std::make_unique<VaeganSystem>(*this); }
  std::string_view kind() const override { return kKind; }
  std::vector<std::string_view> variants() const override { return {}; }
  std::string_view variant_meaning() const override { return ""; }
  std::vector<std::string_view> sources() const override { return {"tables"}; }
  std::vector<Preset> presets() const override;
  SystemTraits traits() const override;

  Setup published(std::string_view variant) const override;
  Defaults defaults(const Chosen& chosen) const override;
  std::vector<ModelKey> keys() override;
  std::vector<KeyUse> uses() const override;
  std::vector<Monitor> monitors() const override { return {Monitor::loss, Monitor::none}; }
  Watch watch(const Monitored& by) const override;
  std::vector<std::pair<std::string, std::string>> contradictions() const override;
  void take_sizes(const Dataset& data, Setup& setup) override;
  std::string demands() const override;

  Graph graph(Pass pass) const override { return vaegan_graph(model, pass); }
  std::vector<TaskInfo> tasks() const override;
  std::vector<RunTables::Values> sources(const Dataset& data) const override;
  std::span<const Target> targets() const override { return {}; }
  double dropout() const override { return 0; }
  bool rows_at_once() const override { return false; }
  int weighed_classes(const Dataset& data) const override { return std::max(1, data.classes); }
  std::vector<TaskClasses> task_classes(const Dataset&) const override { return {}; }
  void weigh_classes() override {}

  // Its losses are routed to groups of parameters; where they meet nothing is left to balance.
  std::vector<NamedRegion> representations(const Graph&) const override { return {}; }
  std::vector<NamedStretches> parameter_groups() const override { return {}; }
  std::string network_obstacle(const std::vector<Stretch>&) const override {
    return "is known to multi-task networks alone";
  }

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
  std::pair<std::string, std::string> shown_figure() const override {
    return {"reconstruction_error", "reconstruction error"};
  }
  bool shows_validation_losses() const override { return false; }
  std::string warning(std::span<const std::string>, std::span<const double>) const override { return ""; }

 private:
  std::vector<double> answers_of(const Said& said) const;
};

/// The published settings; their variant is "routed".
inline Setup vaegan_setup() { return VaeganSystem().published("routed"); }

/// The model of a setup that is known to be of this kind.
inline VaeganModel& vaegan(Setup& setup) { return of_kind<VaeganSystem>(*setup.system).model; }
inline const VaeganModel& vaegan(const Setup& setup) { return of_kind<VaeganSystem>(*setup.system).model; }

}  // namespace equipoise
