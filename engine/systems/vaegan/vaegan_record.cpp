// engine/systems/vaegan/vaegan_record.cpp - records of VAE-GAN: rows, labels and noise in; what each loss is made of,
// row by row, out.
#include <algorithm>
#include <cmath>

#include "engine/record/record_form.h"
#include "engine/systems/vaegan/vaegan_system.h"

namespace equipoise {

namespace {

/// In the records of the three players.
constexpr const char* kPlayers[] = {"encoder", "decoder", "discriminator"};

class VaeganRecord : public RecordForm {
 public:
  explicit VaeganRecord(const VaeganModel& m) : m_(m) {}

  RecordSizes sizes(const TensorFile& record) const override {
    const RecordSizes s{record_dimension(record, "batch.x", 3, 0), record_dimension(record, "batch.x", 3, 1)};
    expect_record_shape(record, "batch.x", {s.steps, s.batch, m_.features});
    for (const char* name : {"noise.view", "noise.prior"})
      expect_record_shape(record, name, {s.steps, s.batch, m_.latent});
    if (auxiliary()) expect_record_shape(record, "batch.aux", {s.steps, s.batch, m_.labels});
    return s;
  }

  RunTables tables(const TensorFile& record, const RecordSizes& sizes) const override {
    RunTables tables;
    tables.sources = {{record.at("batch.x").to_floats(), m_.features},
                      {{}, 0},
                      {record.at("noise.view").to_floats(), m_.latent},
                      {record.at("noise.prior").to_floats(), m_.latent}};
    if (auxiliary()) {
      tables.sources[1] = {record.at("batch.aux").to_floats(), m_.labels};
      for (float& label : tables.sources[1].values)
        if (label == -1.0f) label = std::nanf("");
    }
    number_rows(tables, sizes);
    return tables;
  }

  void add_inputs(const Stepper& stepper) override {
    const auto add = [&](std::vector<float>& to, const char* tensor) {
      const std::vector<float> values = stepper.kept(tensor);
      to.insert(to.end(), values.begin(), values.end());
    };
    add(x_, "x");
    add(noise_, "noise");
    add(prior_, "prior");
    if (auxiliary()) add(aux_, "labels");
  }

  void put_inputs(TensorFile& to, const RecordSizes& s, std::span<const float>) const override {
    to.tensors["batch.x"] = StoredTensor::from_floats({s.steps, s.batch, m_.features}, x_);
    to.tensors["noise.view"] = StoredTensor::from_floats({s.steps, s.batch, m_.latent}, noise_);
    to.tensors["noise.prior"] = StoredTensor::from_floats({s.steps, s.batch, m_.latent}, prior_);
    if (!auxiliary()) return;
    std::vector<float> labels = aux_;
    for (float& label : labels)
      if (label != label) label = -1.0f;
    to.tensors["batch.aux"] = StoredTensor::from_floats({s.steps, s.batch, m_.labels}, labels);
  }

  void put_outcome(const Stepper& stepper, TensorFile& to) const override {
    const std::vector<float> x = stepper.kept("x"), reconstruction = stepper.kept("reconstruction");
    const std::vector<float> mu = stepper.kept("heads", 0, 0, m_.latent),
                             logvar = stepper.kept("heads", 0, m_.latent, m_.latent);
    put_rows(stepper, to, "out.mu", mu);
    put_rows(stepper, to, "out.logvar", logvar);
    put_rows(stepper, to, "out.reconstruction", reconstruction);
    put_rows(stepper, to, "out.sampled", stepper.kept("sampled"));
    const std::string layer = " discriminator hidden " + std::to_string(m_.feature_layer);
    const int64_t rows = stepper.probed_rows();
    const auto put = [&](const std::string& name, const std::vector<double>& values) {
      to.tensors["out." + name] = StoredTensor::from_doubles({rows}, values);
    };
    put("llike", half_squares(stepper.kept("reconstruction" + layer), stepper.kept("original" + layer), rows));
    put("nle", half_squares(reconstruction, x, rows));
    put("kl", divergences(mu, logvar, rows));
    for (const auto& [name, tensor] :
         {std::pair{"original", "original"}, {"recon", "reconstruction"}, {"sampled", "sampled"}}) {
      const std::vector<float> logit = stepper.kept(std::string(tensor) + " logit");
      const bool real = std::string(name) == "original";
      put(std::string("bce_dis_") + name, surprise(logit, real));
      if (!real) put(std::string("bce_gen_") + name, surprise(logit, true));
    }
    put_player_gradients(stepper, to);
  }

  void add_trace(const Stepper& stepper, const std::vector<float>&, Traces& traces) const override {
    const std::vector<std::string> names = m_.tasks();
    const auto loss = [&](const char* name) {
      const auto found = std::find(names.begin(), names.end(), name);
      return found == names.end() ? 0.0 : stepper.control().losses[found - names.begin()];
    };
    traces.add("losses",
               {loss(kPrior) + loss(kFeature), m_.gamma * loss(kFeature) + (1.0 - m_.gamma) * loss(kGenerator),
                loss(kDiscriminator) + m_.lambda * loss(kAuxiliary), loss(kAuxiliary)});
  }

 private:
  static std::vector<double> half_squares(const std::vector<float>& a, const std::vector<float>& b, int64_t rows) {
    std::vector<double> sums(static_cast<std::size_t>(rows));
    const std::size_t cols = a.size() / sums.size();
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double d = double{a[i]} - double{b[i]};
      sums[i / cols] += 0.5 * d * d;
    }
    return sums;
  }
  static std::vector<double> divergences(const std::vector<float>& mu, const std::vector<float>& logvar, int64_t rows) {
    std::vector<double> sums(static_cast<std::size_t>(rows));
    const std::size_t cols = mu.size() / sums.size();
    for (std::size_t i = 0; i < mu.size(); ++i)
      sums[i / cols] += 0.5 * (double{mu[i]} * mu[i] + std::exp(double{logvar[i]}) - double{logvar[i]} - 1.0);
    return sums;
  }
  static std::vector<double> surprise(const std::vector<float>& logit, bool real) {
    std::vector<double> values;
    for (float l : logit)
      values.push_back(-std::log(1.0 / (1.0 + std::exp(real ? -double{l} : double{l})) + double{kAdversarialOffset}));
    return values;
  }

  /// A player's gradient: that of each loss routed to it, times its coefficient.
  void put_player_gradients(const Stepper& stepper, TensorFile& to) const {
    const Graph graph = vaegan_graph(m_, Pass::train);
    const Program& program = stepper.program();
    for (const ParameterInfo& p : program.parameters) {
      std::vector<float> sum(static_cast<std::size_t>(p.rows) * p.cols, 0.0f);
      for (int k = 0; k < static_cast<int>(program.task_names.size()); ++k) {
        const float route = graph.route(p.layer, k);
        const std::vector<float> part = route != 0.0f ? stepper.gradient(k, p) : sum;
        for (std::size_t i = 0; route != 0.0f && i < sum.size(); ++i) sum[i] += route * part[i];
      }
      for (const char* player : kPlayers)
        if (p.name.starts_with(player))
          to.tensors["grad." + std::string(player) + "." + p.name] = StoredTensor::from_floats(p.shape, sum);
    }
  }

  /// The labels are there only where their loss is.
  bool auxiliary() const {
    const std::vector<std::string> tasks = m_.tasks();
    return std::find(tasks.begin(), tasks.end(), kAuxiliary) != tasks.end();
  }

  VaeganModel m_;
  std::vector<float> x_, noise_, prior_, aux_;
};

}  // namespace

std::unique_ptr<RecordForm> VaeganSystem::record_form(const Setup&) const {
  return std::make_unique<VaeganRecord>(model);
}

}  // namespace equipoise
