// engine/systems/mldrl/mldrl.cpp - the MLDRL model as a graph. Names of layers are those of the published code.
#include "engine/systems/mldrl/mldrl.h"

namespace equipoise {

namespace {

constexpr int kHeadsLayer = 2;  // encoders are 0 and 1

class Builder {
 public:
  Builder(const MldrlModel& m, Pass pass)
      : m_(m), pass_(pass), latent_(m.shared + m.specific), features_{m.features1, m.features2} {}

  Graph build() {
    declare_layers();
    declare_losses();
    encode();
    if (m_.has(kReconstruction))
      for (int i = 0; i < 2; ++i) decode(i);
    if (m_.has(kClassification)) classify();
    for (int i = 0; i < 2 && m_.has(kReconstruction); ++i)
      g_.add(SquaredErrorNode{g_.all(out_[i]), g_.all(x_[i]), reconstruction_[i]});
    if (m_.has(kInherentVariational))
      g_.add(InherentVariationalNode{g_.block(z_, 0), g_.block(z_, 1), m_.shared, inherent_, variational_});
    if (m_.has(kClassification)) g_.add(CrossEntropyNode{g_.all(prediction_), entropy_});

    if (m_.has(kClassification)) g_.output(g_.all(prediction_));
    for (int i = 0; i < 2; ++i) g_.output(Graph::columns(g_.block(heads_, i), 0, latent_));
    for (int i = 0; i < 2 && m_.has(kReconstruction); ++i) g_.output(g_.all(out_[i]));
    return std::move(g_);
  }

 private:
  void declare_layers() {
    for (int i = 0; i < 2; ++i) encoder_[i] = g_.layer(features_[i], {{named("encoder", i) + ".linear1", m_.hidden}});
    heads_layer_ = g_.layer(m_.hidden, {{"_enc_mu", latent_}, {"_enc_log_sigma", latent_}});
    for (int i = 0; i < 2 && m_.has(kReconstruction); ++i) {
      decoder_hidden_[i] = g_.layer(latent_, {{named("decoder", i) + ".linear1", m_.hidden}});
      decoder_out_[i] = g_.layer(m_.hidden, {{named("decoder", i) + ".linear2", features_[i]}});
    }
    if (m_.has(kClassification)) classifier_ = g_.layer(m_.shared + 2 * m_.specific, {{"fc1", m_.classes}});
  }

  /// Terms in the published order, tasks in the model's.
  void declare_losses() {
    if (m_.has(kReconstruction)) {
      for (int i = 0; i < 2; ++i) reconstruction_[i] = g_.term(named("reconstruction", i), Divisor::rows, features_[i]);
      kl_ = g_.term("kl", Divisor::rows, latent_);
    }
    if (m_.has(kInherentVariational)) {
      inherent_ = g_.term("inherent", Divisor::rows, m_.shared);
      variational_ = g_.term("variational", Divisor::rows, m_.specific);
    }
    if (m_.has(kClassification)) entropy_ = g_.term("cross_entropy", Divisor::label_weight, 1.0);
    for (const std::string& loss : m_.losses) {
      if (loss == kReconstruction) g_.task(loss, TaskForm::sum, {reconstruction_[0], reconstruction_[1], kl_});
      else if (loss == kInherentVariational)
        g_.task(loss, m_.ratio ? TaskForm::ratio : TaskForm::difference, {inherent_, variational_});
      else g_.task(loss, TaskForm::sum, {entropy_});
    }
  }

  /// Both views' rows in one tall matrix, so that the shared heads are one product.
  void encode() {
    for (int i = 0; i < 2; ++i) x_[i] = g_.input(named("view", i), i, features_[i]);
    const int h = g_.tensor("hidden", 2, m_.hidden);
    for (int i = 0; i < 2; ++i) g_.add(LinearNode{g_.all(x_[i]), g_.block(h, i), encoder_[i], Activation::relu});
    heads_ = g_.tensor(kMldrlLatent, 2, 2 * latent_);
    g_.add(LinearNode{g_.all(h), g_.all(heads_), heads_layer_, Activation::identity});
    const int e = noise();
    const int sigma = g_.tensor("sigma", 2, latent_);
    z_ = g_.tensor("z", 2, latent_);
    g_.add(LatentNode{heads_, e, sigma, z_, kl_, pass_ != Pass::evaluate});
  }

  int noise() {
    if (pass_ == Pass::train) return g_.noise("noise", 2, latent_);
    if (pass_ != Pass::given) return g_.tensor("noise", 2, latent_);
    const int given[2] = {g_.input("noise1", 2, latent_), g_.input("noise2", 3, latent_)};
    const int e = g_.tensor("noise", 2, latent_);
    for (int i = 0; i < 2; ++i) g_.add(SumNode{g_.block(e, i), {g_.all(given[i])}, {1.0f}});
    return e;
  }

  Region c(int i) const { return Graph::columns(g_.block(z_, i), 0, m_.shared); }
  Region p(int i) const { return Graph::columns(g_.block(z_, i), m_.shared, m_.specific); }

  /// Block 0 decodes [c_i, p_i], block 1 the crossed [c_j, p_i].
  void decode(int i) {
    const std::string name = named("decoder", i);
    const int in = g_.tensor(name + " input", 2, latent_);
    g_.add(SumNode{Graph::columns(g_.block(in, 0), 0, m_.shared), {c(i)}, {1.0f}});
    g_.add(SumNode{Graph::columns(g_.block(in, 0), m_.shared, m_.specific), {p(i)}, {1.0f}});
    const bool specific_first = i == 0 && m_.crossed1_specific_first;
    g_.add(SumNode{Graph::columns(g_.block(in, 1), specific_first ? m_.specific : 0, m_.shared), {c(1 - i)}, {1.0f}});
    g_.add(SumNode{Graph::columns(g_.block(in, 1), specific_first ? 0 : m_.shared, m_.specific), {p(i)}, {1.0f}});
    const int hidden = g_.tensor(name + " hidden", 2, m_.hidden);
    g_.add(LinearNode{g_.all(in), g_.all(hidden), decoder_hidden_[i], Activation::relu});
    out_[i] = g_.tensor(name + " output", 2, features_[i]);
    g_.add(LinearNode{g_.all(hidden), g_.all(out_[i]), decoder_out_[i], m_.output_activation});
  }

  void classify() {
    const int joint = g_.tensor("classifier_input", 1, m_.shared + 2 * m_.specific);
    g_.add(SumNode{Graph::columns(g_.all(joint), 0, m_.shared), {c(0), c(1)}, {0.5f, 0.5f}});
    g_.add(SumNode{Graph::columns(g_.all(joint), m_.shared, m_.specific), {p(0)}, {1.0f}});
    g_.add(SumNode{Graph::columns(g_.all(joint), m_.shared + m_.specific, m_.specific), {p(1)}, {1.0f}});
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
  int latent_, features_[2];
  Graph g_;
  int encoder_[2] = {}, heads_layer_ = -1, decoder_hidden_[2] = {}, decoder_out_[2] = {}, classifier_ = -1;  // layers
  int reconstruction_[2] = {}, kl_ = -1, inherent_ = -1, variational_ = -1, entropy_ = -1;                   // terms
  int x_[2] = {}, heads_ = -1, z_ = -1, out_[2] = {}, prediction_ = -1;                                      // tensors
};

}  // namespace

Graph mldrl_graph(const MldrlModel& model, Pass pass) { return Builder(model, pass).build(); }

std::vector<Stretch> mldrl_heads(const MldrlModel& m) {
  const int rows = 2 * (m.shared + m.specific);
  return {{kHeadsLayer, false, 0, rows, 1}, {kHeadsLayer, true, 0, rows, 1}};
}

std::vector<Stretch> mldrl_head_biases_mean(const MldrlModel& m) {
  return {{kHeadsLayer, true, 0, m.shared + m.specific, 2}};
}

}  // namespace equipoise
