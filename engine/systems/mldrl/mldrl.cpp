// engine/systems/mldrl/mldrl.cpp - the MLDRL model as a graph. Names of layers are those of the published code.
#include "engine/systems/mldrl/mldrl.h"

namespace equipoise {

namespace {

class MldrlBuilder {
 public:
  MldrlBuilder(const MldrlModel& m, Pass pass)
      : m_(m), pass_(pass), views_(m.views()), latent_(m.shared + m.specific) {}

  Graph build() {
    declare_layers();
    declare_losses();
    encode();
    if (m_.has(kReconstruction))
      for (int i = 0; i < views_; ++i) decode(i);
    if (m_.has(kClassification)) classify();
    for (int i = 0; i < views_ && m_.has(kReconstruction); ++i)
      g_.add(SquaredErrorNode{g_.all(out_[i]), g_.all(x_[i]), reconstruction_[i]});
    if (m_.has(kInherentVariational))
      g_.add(InherentVariationalNode{g_.all(z_), m_.shared, inherent_, variational_});
    if (m_.has(kClassification)) g_.add(CrossEntropyNode{g_.all(prediction_), entropy_});

    if (m_.has(kClassification)) g_.output(g_.all(prediction_));
    for (int i = 0; i < views_; ++i) g_.output(Graph::columns(g_.block(heads_, i), 0, latent_));
    for (int i = 0; i < views_ && m_.has(kReconstruction); ++i) g_.output(g_.all(out_[i]));
    return std::move(g_);
  }

 private:
  void declare_layers() {
    for (int i = 0; i < views_; ++i)
      encoder_.push_back(g_.layer(m_.features[i], {{named("encoder", i) + ".linear1", m_.hidden}}));
    heads_layer_ = g_.layer(m_.hidden, {{"_enc_mu", latent_}, {"_enc_log_sigma", latent_}});
    for (int i = 0; i < views_ && m_.has(kReconstruction); ++i) {
      decoder_hidden_.push_back(g_.layer(latent_, {{named("decoder", i) + ".linear1", m_.hidden}}));
      decoder_out_.push_back(g_.layer(m_.hidden, {{named("decoder", i) + ".linear2", m_.features[i]}}));
    }
    if (m_.has(kClassification)) classifier_ = g_.layer(m_.shared + views_ * m_.specific, {{"fc1", m_.classes}});
  }

  /// Terms in the published order, tasks in the model's.
  void declare_losses() {
    std::vector<int> of_reconstruction;
    if (m_.has(kReconstruction)) {
      for (int i = 0; i < views_; ++i)
        reconstruction_.push_back(g_.term(named("reconstruction", i), Divisor::rows, m_.features[i]));
      kl_ = g_.term("kl", Divisor::rows, latent_);
      of_reconstruction = reconstruction_;
      of_reconstruction.push_back(kl_);
    }
    if (m_.has(kInherentVariational)) {
      inherent_ = g_.term("inherent", Divisor::rows, m_.shared);
      variational_ = g_.term("variational", Divisor::rows, m_.specific);
    }
    if (m_.has(kClassification)) entropy_ = g_.term("cross_entropy", Divisor::label_weight, 1.0);
    for (const std::string& loss : m_.losses) {
      if (loss == kReconstruction) g_.task(loss, TaskForm::sum, of_reconstruction);
      else if (loss == kInherentVariational)
        g_.task(loss, m_.ratio ? TaskForm::ratio : TaskForm::difference, {inherent_, variational_});
      else g_.task(loss, TaskForm::sum, {entropy_});
    }
  }

  /// All views' rows in one tall matrix, so that the shared heads are one product.
  void encode() {
    for (int i = 0; i < views_; ++i) x_.push_back(g_.input(named("view", i), i, m_.features[i]));
    const int h = g_.tensor("hidden", views_, m_.hidden);
    for (int i = 0; i < views_; ++i) g_.add(LinearNode{g_.all(x_[i]), g_.block(h, i), encoder_[i], Activation::relu});
    heads_ = g_.tensor(kMldrlLatent, views_, 2 * latent_);
    g_.add(LinearNode{g_.all(h), g_.all(heads_), heads_layer_, Activation::identity});
    const int e = noise();
    const int sigma = g_.tensor("sigma", views_, latent_);
    z_ = g_.tensor("z", views_, latent_);
    g_.add(LatentNode{heads_, e, sigma, z_, kl_, pass_ != Pass::evaluate});
  }

  int noise() {
    if (pass_ == Pass::train) return g_.noise("noise", views_, latent_);
    if (pass_ != Pass::given) return g_.tensor("noise", views_, latent_);
    std::vector<int> given;
    for (int i = 0; i < views_; ++i) given.push_back(g_.input(named("noise", i), views_ + i, latent_));
    const int e = g_.tensor("noise", views_, latent_);
    for (int i = 0; i < views_; ++i) g_.add(SumNode{g_.block(e, i), {g_.all(given[i])}, {1.0f}});
    return e;
  }

  Region c(int i) const { return Graph::columns(g_.block(z_, i), 0, m_.shared); }
  Region p(int i) const { return Graph::columns(g_.block(z_, i), m_.shared, m_.specific); }

  /// Block 0 decodes [c_i, p_i], those after it the crossed [c_j, p_i], j rising.
  void decode(int i) {
    const std::string name = named("decoder", i);
    const int in = g_.tensor(name + " input", views_, latent_);
    const auto put = [&](int block, int from, bool specific_first) {
      const Region whole = g_.block(in, block);
      g_.add(SumNode{Graph::columns(whole, specific_first ? m_.specific : 0, m_.shared), {c(from)}, {1.0f}});
      g_.add(SumNode{Graph::columns(whole, specific_first ? 0 : m_.shared, m_.specific), {p(i)}, {1.0f}});
    };
    put(0, i, false);
    for (int j = 0, block = 1; j < views_; ++j)
      if (j != i) put(block++, j, i == 0 && m_.crossed1_specific_first);
    const int hidden = g_.tensor(name + " hidden", views_, m_.hidden);
    g_.add(LinearNode{g_.all(in), g_.all(hidden), decoder_hidden_[i], Activation::relu});
    out_.push_back(g_.tensor(name + " output", views_, m_.features[i]));
    g_.add(LinearNode{g_.all(hidden), g_.all(out_[i]), decoder_out_[i], m_.output_activation});
  }

  void classify() {
    const int joint = g_.tensor("classifier_input", 1, m_.shared + views_ * m_.specific);
    SumNode mean{Graph::columns(g_.all(joint), 0, m_.shared), {}, {}};
    for (int i = 0; i < views_; ++i) {
      mean.from.push_back(c(i));
      mean.coefficient.push_back(1.0f / static_cast<float>(views_));
    }
    g_.add(mean);
    for (int i = 0; i < views_; ++i)
      g_.add(SumNode{Graph::columns(g_.all(joint), m_.shared + i * m_.specific, m_.specific), {p(i)}, {1.0f}});
    prediction_ = g_.tensor(m_.softmax_twice ? "classifier sigmoid" : "prediction", 1, m_.classes);
    g_.add(LinearNode{g_.all(joint), g_.all(prediction_), classifier_,
                      m_.softmax_twice ? Activation::sigmoid : Activation::identity});
    if (!m_.softmax_twice) return;
    const int softmax = g_.tensor("prediction", 1, m_.classes);
    g_.add(SoftmaxNode{g_.all(prediction_), g_.all(softmax)});
    prediction_ = softmax;
  }

  /// "decoder1" of view 0.
  static std::string named(const std::string& what, int view) { return what + std::to_string(view + 1); }

  const MldrlModel& m_;
  Pass pass_;
  int views_, latent_;
  Graph g_;
  std::vector<int> encoder_, decoder_hidden_, decoder_out_;                                     // layers of the views
  std::vector<int> reconstruction_;                                                             // terms of the views
  std::vector<int> x_, out_;                                                                    // tensors of the views
  int heads_layer_ = -1, classifier_ = -1;                                                      // layers
  int kl_ = -1, inherent_ = -1, variational_ = -1, entropy_ = -1;                               // terms
  int heads_ = -1, z_ = -1, prediction_ = -1;                                                   // tensors
};

}  // namespace

Graph mldrl_graph(const MldrlModel& model, Pass pass) { return MldrlBuilder(model, pass).build(); }

std::vector<Stretch> mldrl_heads(const MldrlModel& m) {
  const int heads = m.views(), rows = 2 * (m.shared + m.specific);  // layers before it are the encoders
  return {{heads, false, 0, rows, 1}, {heads, true, 0, rows, 1}};
}

std::vector<Stretch> mldrl_head_biases_mean(const MldrlModel& m) {
  return {{m.views(), true, 0, m.shared + m.specific, 2}};
}

}  // namespace equipoise
