// engine/systems/vaegan/vaegan.cpp - VAE-GAN as a graph.
#include "engine/systems/vaegan/vaegan.h"

#include <algorithm>
#include <map>
#include <string>

namespace equipoise {

namespace {

/// A stack of layers that is used several times.
struct Group {
  std::vector<int> hidden;
  int out = -1, aux = -1;
};

class VaeganBuilder {
 public:
  VaeganBuilder(const VaeganModel& m, Pass pass) : m_(m), pass_(pass), losses_(m.tasks()) {}

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
    if (has(kFeature)) g_.add(SquaredErrorNode{g_.all(again.feature), g_.all(original.feature), feature_});
    const auto adversarial = [&](const char* loss, const Judged& of, int term, bool real) {
      if (has(loss)) g_.add(AdversarialNode{g_.all(of.logit), term, real, kAdversarialOffset});
    };
    adversarial(kGenerator, again, generator_[0], true);
    adversarial(kGenerator, made_up, generator_[1], true);
    adversarial(kDiscriminator, original, discriminator_[0], true);
    adversarial(kDiscriminator, again, discriminator_[1], false);
    adversarial(kDiscriminator, made_up, discriminator_[2], false);
    if (has(kAuxiliary)) {
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

  bool has(const char* loss) const { return std::find(losses_.begin(), losses_.end(), loss) != losses_.end(); }

  void declare_losses() {
    const auto add = [&](const char* loss, std::vector<std::pair<const char*, double>> terms) {
      std::vector<int> numbers;
      for (const auto& [name, per_row] : terms) numbers.push_back(g_.term(name, Divisor::none, per_row));
      g_.task(loss, TaskForm::sum, numbers);
      return numbers;
    };
    for (const std::string& loss : losses_) {
      if (loss == kPrior) {
        kl_ = add(kPrior, {{"kl", 1.0}})[0];
      } else if (loss == kFeature) {
        feature_ = add(kFeature, {{"feature", 2.0}})[0];
      } else if (loss == kGenerator) {
        generator_ = add(kGenerator, {{"generator_reconstructed", 1.0}, {"generator_sampled", 1.0}});
      } else if (loss == kDiscriminator) {
        discriminator_ = add(
            kDiscriminator,
            {{"discriminator_original", 1.0}, {"discriminator_reconstructed", 1.0}, {"discriminator_sampled", 1.0}});
      } else {
        auxiliary_ = add(kAuxiliary, {{"auxiliary", 1.0}})[0];
      }
    }
    for (std::vector<int>* terms : {&generator_, &discriminator_}) terms->resize(3, -1);
  }

  /// The routing table: what each loss gives to each network.
  void route() {
    const auto gamma = static_cast<float>(m_.gamma), lambda = static_cast<float>(m_.lambda);
    give(encode_, {{kPrior, 1}, {kFeature, 1}});
    give(decode_, {{kFeature, gamma}, {kGenerator, static_cast<float>(1.0 - m_.gamma)}});
    give(judge_, {{kDiscriminator, 1}, {kAuxiliary, lambda}});
  }

  void give(const Group& group, const std::map<std::string, float>& shares) {
    std::vector<float> line;
    for (const std::string& loss : losses_) line.push_back(shares.contains(loss) ? shares.at(loss) : 0.0f);
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
    g_.output(Graph::columns(g_.all(g_.find("heads")), 0, m_.latent));
    const int all = g_.tensor("logits", 1, static_cast<int>(logits.size()));
    for (std::size_t i = 0; i < logits.size(); ++i)
      g_.add(SumNode{Graph::columns(g_.all(all), static_cast<int>(i), 1), {g_.all(logits[i])}, {1.0f}});
    g_.output(g_.all(all));
  }

  const VaeganModel& m_;
  Pass pass_;
  std::vector<std::string> losses_;
  Graph g_;
  Group encode_, decode_, judge_;
  int kl_ = -1, feature_ = -1, auxiliary_ = -1;  // terms
  std::vector<int> generator_, discriminator_;
};

}  // namespace

std::vector<std::string> VaeganModel::tasks() const {
  std::vector<std::string> here = losses;
  if (labels == 0) std::erase(here, kAuxiliary);
  return here;
}

Graph vaegan_graph(const VaeganModel& model, Pass pass) { return VaeganBuilder(model, pass).build(); }

}  // namespace equipoise
