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
      : m_(m), latent_(m.shared + m.specific), features_{m.features1, m.features2} {}

  RecordSizes sizes(const TensorFile& record) const override {
    const RecordSizes s{record_dimension(record, "batch.view1", 3, 0), record_dimension(record, "batch.view1", 3, 1)};
    for (int i = 0; i < 2; ++i) {
      expect_record_shape(record, view(i), {s.steps, s.batch, features_[i]});
      expect_record_shape(record, noise(i), {s.steps, s.batch, latent_});
    }
    expect_record_shape(record, "batch.label", {s.steps, s.batch});
    return s;
  }

  RunTables tables(const TensorFile& record, const RecordSizes& sizes) const override {
    RunTables tables;
    for (int i = 0; i < 2; ++i) tables.sources.push_back({record.at(view(i)).to_floats(), features_[i]});
    for (int i = 0; i < 2; ++i) tables.sources.push_back({record.at(noise(i)).to_floats(), latent_});
    number_rows(tables, sizes);
    tables.labels.clear();
    for (int64_t label : record.at("batch.label").to_int64s()) {
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
    for (int i = 0; i < 2; ++i) {
      add(views_[i], stepper.kept("view" + std::to_string(i + 1)));
      add(noise_[i], stepper.kept("noise", i, 0, latent_));
    }
    const std::vector<int64_t> labels = stepper.labels();
    labels_.insert(labels_.end(), labels.begin(), labels.end());
  }

  void put_inputs(TensorFile& to, const RecordSizes& s, std::span<const float> class_weights) const override {
    to.tensors["class_weights"] = StoredTensor::from_floats({m_.classes}, class_weights);
    for (int i = 0; i < 2; ++i) {
      to.tensors[view(i)] = StoredTensor::from_floats({s.steps, s.batch, features_[i]}, views_[i]);
      to.tensors[noise(i)] = StoredTensor::from_floats({s.steps, s.batch, latent_}, noise_[i]);
    }
    to.tensors["batch.label"] = StoredTensor::from_int64({s.steps, s.batch}, labels_);
  }

  void put_outcome(const Stepper& stepper, TensorFile& to) const override {
    for (int i = 0; i < 2; ++i) {
      const std::string n = std::to_string(i + 1), out = "decoder" + n + " output";
      put_rows(stepper, to, "out.mu" + n, stepper.kept("heads", i, 0, latent_));
      put_rows(stepper, to, "out.sigma" + n, stepper.kept("sigma", i, 0, latent_));
      if (!m_.has(kReconstruction)) continue;
      put_rows(stepper, to, "out.reconstruction" + n, stepper.kept(out, 0, 0, features_[i]));
      put_rows(stepper, to, "out.cross" + n, stepper.kept(out, 1, 0, features_[i]));
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
    // Both views' reconstruction errors are one.
    std::vector<double> terms(c.terms, c.terms + stepper.program().term_names.size());
    if (m_.has(kReconstruction)) {
      terms[1] += terms[0];
      terms.erase(terms.begin());
    }
    traces.add("terms", std::move(terms));
  }

 private:
  static std::string view(int i) { return "batch.view" + std::to_string(i + 1); }
  static std::string noise(int i) { return "noise.view" + std::to_string(i + 1); }

  MldrlModel m_;
  int latent_, features_[2];
  std::vector<float> views_[2], noise_[2];
  std::vector<int64_t> labels_;
};

}  // namespace

std::unique_ptr<RecordForm> MldrlSystem::record_form(const Setup&) const {
  return std::make_unique<MldrlRecord>(model);
}

}  // namespace equipoise
