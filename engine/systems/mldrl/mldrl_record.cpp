// engine/systems/mldrl/mldrl_record.cpp - records of MLDRL: views, labels and latent noise in; latents, reconstructions
// and predictions out.
#include <fmt/format.h>

#include "engine/record/record_form.h"
#include "engine/systems/mldrl/mldrl_system.h"

namespace equipoise {

namespace {

class MldrlRecord : public RecordForm {
 public:
  explicit MldrlRecord(const MldrlModel& m)
      : m_(m),
        count_(m.views()),
        latent_(m.shared + m.specific),
        views_(m.features.size()),
        noise_(m.features.size()) {}

  RecordSizes sizes(const TensorFile& record) const override {
    const RecordSizes s{record_dimension(record, "batch.view1", 3, 0), record_dimension(record, "batch.view1", 3, 1)};
    for (int i = 0; i < count_; ++i) {
      expect_record_shape(record, view(i), {s.steps, s.batch, m_.features[i]});
      expect_record_shape(record, noise(i), {s.steps, s.batch, latent_});
    }
    expect_record_shape(record, "batch.label", {s.steps, s.batch});
    return s;
  }

  RunTables tables(const TensorFile& record, const RecordSizes& sizes) const override {
    RunTables tables;
    for (int i = 0; i < count_; ++i) tables.sources.push_back({record.at(view(i)).to_floats(), m_.features[i]});
    for (int i = 0; i < count_; ++i) tables.sources.push_back({record.at(noise(i)).to_floats(), latent_});
    number_rows(tables, sizes);
    tables.labels.clear();
    for (int64_t label : record.integers_at("batch.label")) {
      if (label < -1 || label >= m_.classes)
        refuse_record(record, fmt::format("tensor 'batch.label' holds {}, outside -1 .. {}", label, m_.classes - 1));
      tables.labels.push_back(static_cast<int32_t>(label));
    }
    tables.class_weights.assign(static_cast<std::size_t>(m_.classes), 1.0f);
    if (const auto weights = record.tensors.find("class_weights"); weights != record.tensors.end()) {
      expect_record_shape(record, "class_weights", {m_.classes});
      tables.class_weights = weights->second.to_floats();
    }
    return tables;
  }

  void add_inputs(const Stepper& stepper) override {
    const auto add = [](std::vector<float>& to, const std::vector<float>& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    for (int i = 0; i < count_; ++i) {
      add(views_[i], stepper.kept("view" + std::to_string(i + 1)));
      add(noise_[i], stepper.kept("noise", i, 0, latent_));
    }
    const std::vector<int64_t> labels = stepper.labels();
    labels_.insert(labels_.end(), labels.begin(), labels.end());
  }

  void put_inputs(TensorFile& to, const RecordSizes& s, std::span<const float> class_weights) const override {
    to.tensors["class_weights"] = StoredTensor::from_floats({m_.classes}, class_weights);
    for (int i = 0; i < count_; ++i) {
      to.tensors[view(i)] = StoredTensor::from_floats({s.steps, s.batch, m_.features[i]}, views_[i]);
      to.tensors[noise(i)] = StoredTensor::from_floats({s.steps, s.batch, latent_}, noise_[i]);
    }
    to.tensors["batch.label"] = StoredTensor::from_int64({s.steps, s.batch}, labels_);
  }

  void put_outcome(const Stepper& stepper, TensorFile& to) const override {
    for (int i = 0; i < count_; ++i) {
      const std::string n = std::to_string(i + 1), out = "decoder" + n + " output";
      put_rows(stepper, to, "out.mu" + n, stepper.kept("heads", i, 0, latent_));
      put_rows(stepper, to, "out.sigma" + n, stepper.kept("sigma", i, 0, latent_));
      if (!m_.has(kReconstruction)) continue;
      put_rows(stepper, to, "out.reconstruction" + n, stepper.kept(out, 0, 0, m_.features[i]));
      for (int j = 0, block = 1; j < count_; ++j)
        if (j != i) put_rows(stepper, to, cross(i, j), stepper.kept(out, block++, 0, m_.features[i]));
    }
    if (m_.has(kClassification)) {
      put_rows(stepper, to, "out.classifier_input", stepper.kept("classifier_input"));
      put_rows(stepper, to, "out.prediction", stepper.kept("prediction"));
    }
    put_task_gradients(stepper, to);
    const std::size_t tasks = m_.losses.size();
    to.tensors["gram.latent_heads"] = StoredTensor::from_doubles(
        {static_cast<int64_t>(tasks), static_cast<int64_t>(tasks)}, {stepper.probed().gram, tasks * tasks});
  }

  void add_trace(const Stepper& stepper, const std::vector<float>&, Traces& traces) const override {
    const Control& c = stepper.control();
    add_common_trace(stepper, "weights", traces);
    traces.add("targets", {c.targets, c.targets + m_.losses.size()});
    // All views' reconstruction errors are one.
    std::vector<double> terms(c.terms, c.terms + stepper.program().term_names.size());
    for (int i = 1; i < count_ && m_.has(kReconstruction); ++i) {
      terms[1] += terms[0];
      terms.erase(terms.begin());
    }
    traces.add("terms", std::move(terms));
  }

 private:
  static std::string view(int i) { return "batch.view" + std::to_string(i + 1); }
  static std::string noise(int i) { return "noise.view" + std::to_string(i + 1); }

  /// Of decoder i from the shared part of view j; with two views there is one crossed reconstruction each.
  std::string cross(int i, int j) const {
    return fmt::format("out.cross{}", i + 1) + (count_ == 2 ? "" : fmt::format("_{}", j + 1));
  }

  MldrlModel m_;
  int count_, latent_;
  std::vector<std::vector<float>> views_, noise_;  // [views] of all steps
  std::vector<int64_t> labels_;
};

}  // namespace

std::unique_ptr<RecordForm> MldrlSystem::record_form(const Setup&) const {
  return std::make_unique<MldrlRecord>(model);
}

}  // namespace equipoise
