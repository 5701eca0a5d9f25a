// engine/systems/vaegan/vaegan.cpp - VAE-GAN as a graph.
#include "engine/systems/vaegan/vaegan.h"

#include <string>

namespace equipoise {

namespace {

/// A stack of layers that is used several times.
struct Group {
  std::vector<int> hidden;
  int out = -1, aux = -1;
};

class Builder {
 public:
  Builder(const VaeganModel& m, Pass pass) : m_(m), pass_(pass) {}

  Graph build() {
    declare_layers();
    if (pass_ == Pass::generate) {
      g_.output(g_.all(decode(prior(), "sampled")));
      return std::move(g_);
    }
    declare_losses();
    route();
    const int x = g_.input("x", 0, m_.features);
    const int reconstruction = decode(encode(x), "reconstruction"), sampled = decode(prior(), "sampled");
    const Judged original = judge(x, "original"), again = judge(reconstruction, "reconstruction"),
                 made_up = judge(sampled, "sampled");
    g_.add(SquaredErrorNode{g_.all(again.feature), g_.all(original.feature), feature_});
    const auto adversarial = [&](const Judged& of, int term, bool real) {
      g_.add(AdversarialNode{g_.all(of.logit), term, real, kAdversarialOffset});
    };
    adversarial(again, generator_[0], true);
    adversarial(made_up, generator_[1], true);
    adversarial(original, discriminator_[0], true);
    adversarial(again, discriminator_[1], false);
    adversarial(made_up, discriminator_[2], false);
    if (m_.labels > 0) {
      const int labels = g_.input("labels", 1, m_.labels), aux = g_.tensor("aux", 1, m_.labels);
      g_.add(LinearNode{g_.all(original.last), g_.all(aux), judge_.aux, Activation::identity});
      g_.add(TargetNode{g_.all(aux), g_.all(labels), auxiliary_, TargetForm::logistic});
    }
    if (pass_ == Pass::evaluate) emit(reconstruction, {original.logit, again.logit, made_up.logit});
    return std::move(g_);
  }

 private:
  struct Judged {
    int feature, last, logit;  // tensors
  };

  Group declare(const std::string& name, int in, const std::vector<int>& widths) {
    Group group;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      group.hidden.push_back(g_.layer(in, {{name + ".hidden" + (i > 0 ? std::to_string(i + 1) : ""), widths[i]}}));
      in = widths[i];
    }
    return group;
  }

  void declare_layers() {
    encode_ = declare("encoder", m_.features, m_.encoder);
    encode_.out = g_.layer(m_.encoder.back(), {{"encoder.mu", m_.latent}, {"encoder.logvar", m_.latent}});
    decode_ = declare("decoder", m_.latent, m_.decoder);
    decode_.out = g_.layer(m_.decoder.back(), {{"decoder.out", m_.features}});
    judge_ = declare("discriminator", m_.features, m_.discriminator);
    judge_.out = g_.layer(m_.discriminator.back(), {{"discriminator.out", 1}});
    if (m_.labels > 0) judge_.aux = g_.layer(m_.discriminator.back(), {{"discriminator.aux", m_.labels}});
  }

  void declare_losses() {
    kl_ = g_.term("kl", Divisor::none, 1.0);
    feature_ = g_.term("feature", Divisor::none, 2.0);
    const char* const generator[] = {"generator_reconstructed", "generator_sampled"};
    for (int i = 0; i < 2; ++i) generator_[i] = g_.term(generator[i], Divisor::none, 1.0);
    const char* const discriminator[] = {"discriminator_original", "discriminator_reconstructed",
                                         "discriminator_sampled"};
    for (int i = 0; i < 3; ++i) discriminator_[i] = g_.term(discriminator[i], Divisor::none, 1.0);
    g_.task("prior", TaskForm::sum, {kl_});
    g_.task("feature", TaskForm::sum, {feature_});
    g_.task("generator", TaskForm::sum, {generator_[0], generator_[1]});
    g_.task("discriminator", TaskForm::sum, {discriminator_[0], discriminator_[1], discriminator_[2]});
    if (m_.labels == 0) return;
    auxiliary_ = g_.term("auxiliary", Divisor::none, 1.0);
    g_.task("auxiliary", TaskForm::sum, {auxiliary_});
  }

  /// The routing table.
  void route() {
    const auto gamma = static_cast<float>(m_.gamma), lambda = static_cast<float>(m_.lambda);
    // prior, feature, generator, discriminator, auxiliary
    give(encode_, {1, 1, 0, 0, 0});
    give(decode_, {0, gamma, static_cast<float>(1.0 - m_.gamma), 0, 0});
    give(judge_, {0, 0, 0, 1, lambda});
  }

  void give(const Group& group, const std::vector<float>& line) {
    for (int layer : group.hidden) g_.route(layer, line);
    g_.route(group.out, line);
    if (group.aux >= 0) g_.route(group.aux, line);
  }

  /// Hidden layers on a tensor; returns their outputs.
  std::vector<int> hidden(const Group& group, int from, const std::vector<int>& widths, const std::string& name) {
    std::vector<int> outputs;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const int h = g_.tensor(name + " hidden " + std::to_string(i + 1), 1, widths[i]);
      g_.add(LinearNode{g_.all(from), g_.all(h), group.hidden[i], m_.activation});
      outputs.push_back(from = h);
    }
    return outputs;
  }

  int prior() { return pass_ == Pass::given ? g_.input("prior", 3, m_.latent) : g_.noise("prior", 1, m_.latent); }

  int encode(int x) {
    const int h = hidden(encode_, x, m_.encoder, "encoder").back();
    const int heads = g_.tensor("heads", 1, 2 * m_.latent), sigma = g_.tensor("sigma", 1, m_.latent);
    const int z = g_.tensor("z", 1, m_.latent);
    g_.add(LinearNode{g_.all(h), g_.all(heads), encode_.out, Activation::identity});
    const bool noisy = pass_ != Pass::evaluate;
    const int noise = pass_ == Pass::given ? g_.input("noise", 2, m_.latent)
                      : noisy              ? g_.noise("noise", 1, m_.latent)
                                           : g_.tensor("noise", 1, m_.latent);
    g_.add(LatentNode{heads, noise, sigma, z, kl_, noisy, 0.5f});
    return z;
  }

  int decode(int z, const std::string& name) {
    const int h = hidden(decode_, z, m_.decoder, name + " decoder").back();
    const int rows = g_.tensor(name, 1, m_.features);
    g_.add(LinearNode{g_.all(h), g_.all(rows), decode_.out, m_.output_activation});
    return rows;
  }

  Judged judge(int rows, const std::string& name) {
    const std::vector<int> h = hidden(judge_, rows, m_.discriminator, name + " discriminator");
    const int logit = g_.tensor(name + " logit", 1, 1);
    g_.add(LinearNode{g_.all(h.back()), g_.all(logit), judge_.out, Activation::identity});
    return {h[static_cast<std::size_t>(m_.feature_layer - 1)], h.back(), logit};
  }

  void emit(int reconstruction, const std::vector<int>& logits) {
    g_.output(g_.all(reconstruction));
    for (std::size_t t = 0; t < g_.tensors().size(); ++t)
      if (g_.tensors()[t].name == "heads") g_.output(Graph::columns(g_.all(static_cast<int>(t)), 0, m_.latent));
    const int all = g_.tensor("logits", 1, static_cast<int>(logits.size()));
    for (std::size_t i = 0; i < logits.size(); ++i)
      g_.add(SumNode{Graph::columns(g_.all(all), static_cast<int>(i), 1), {g_.all(logits[i])}, {1.0f}});
    g_.output(g_.all(all));
  }

  const VaeganModel& m_;
  Pass pass_;
  Graph g_;
  Group encode_, decode_, judge_;
  int kl_ = -1, feature_ = -1, generator_[2] = {}, discriminator_[3] = {}, auxiliary_ = -1;
};

}  // namespace

Graph vaegan_graph(const VaeganModel& model, Pass pass) { return Builder(model, pass).build(); }

}  // namespace equipoise
