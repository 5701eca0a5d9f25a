// engine/systems/mldrl/mldrl.cpp - the MLDRL model as a graph. Names of layers are those of the published code.
#include "engine/systems/mldrl/mldrl.h"

namespace equipoise {

namespace {
constexpr int kHeadsLayer = 2;  // encoders are 0 and 1
}

Graph mldrl_graph(const MldrlModel& m, Pass pass) {
  Graph g;
  const int latent = m.shared + m.specific, features[2] = {m.features1, m.features2};

  const int encoder[2] = {g.layer(m.features1, {{"encoder1.linear1", m.hidden}}),
                          g.layer(m.features2, {{"encoder2.linear1", m.hidden}})};
  const int heads_layer = g.layer(m.hidden, {{"_enc_mu", latent}, {"_enc_log_sigma", latent}});
  int decoder_hidden[2], decoder_out[2];
  for (int i = 0; i < 2; ++i) {
    const std::string name = "decoder" + std::to_string(i + 1);
    decoder_hidden[i] = g.layer(latent, {{name + ".linear1", m.hidden}});
    decoder_out[i] = g.layer(m.hidden, {{name + ".linear2", features[i]}});
  }
  const int classifier = g.layer(m.shared + 2 * m.specific, {{"fc1", m.classes}});

  const int reconstruction_term[2] = {g.term("reconstruction1", Divisor::rows, m.features1),
                                      g.term("reconstruction2", Divisor::rows, m.features2)};
  const int kl_term = g.term("kl", Divisor::rows, latent);
  const int inherent_term = g.term("inherent", Divisor::rows, m.shared);
  const int variational_term = g.term("variational", Divisor::rows, m.specific);
  const int entropy_term = g.term("cross_entropy", Divisor::label_weight, 1.0);
  g.task("reconstruction", TaskForm::sum, {reconstruction_term[0], reconstruction_term[1], kl_term});
  g.task("inherent_variational", m.ratio ? TaskForm::ratio : TaskForm::difference, {inherent_term, variational_term});
  g.task("classification", TaskForm::sum, {entropy_term});

  // Encoders: both views' rows in one tall matrix, so that the shared heads are one product.
  const int x[2] = {g.input("view1", 0, m.features1), g.input("view2", 1, m.features2)};
  const int h = g.tensor("hidden", 2, m.hidden);
  for (int i = 0; i < 2; ++i) g.add(LinearNode{g.all(x[i]), g.block(h, i), encoder[i], Activation::relu});
  const int heads = g.tensor(kMldrlLatent, 2, 2 * latent);
  g.add(LinearNode{g.all(h), g.all(heads), heads_layer, Activation::identity});
  int e;
  if (pass == Pass::given) {
    const int given[2] = {g.input("noise1", 2, latent), g.input("noise2", 3, latent)};
    e = g.tensor("noise", 2, latent);
    for (int i = 0; i < 2; ++i) g.add(SumNode{g.block(e, i), {g.all(given[i])}, {1.0f}});
  } else {
    e = pass == Pass::train ? g.noise("noise", 2, latent) : g.tensor("noise", 2, latent);
  }
  const int sigma = g.tensor("sigma", 2, latent), z = g.tensor("z", 2, latent);
  g.add(LatentNode{heads, e, sigma, z, kl_term, pass != Pass::evaluate});

  const auto c = [&](int i) { return Graph::columns(g.block(z, i), 0, m.shared); };
  const auto p = [&](int i) { return Graph::columns(g.block(z, i), m.shared, m.specific); };

  // Decoders: block 0 decodes [c_i, p_i], block 1 the crossed [c_j, p_i].
  int out[2];
  for (int i = 0; i < 2; ++i) {
    const std::string name = "decoder" + std::to_string(i + 1);
    const int in = g.tensor(name + " input", 2, latent);
    g.add(SumNode{Graph::columns(g.block(in, 0), 0, m.shared), {c(i)}, {1.0f}});
    g.add(SumNode{Graph::columns(g.block(in, 0), m.shared, m.specific), {p(i)}, {1.0f}});
    const bool specific_first = i == 0 && m.crossed1_specific_first;
    g.add(SumNode{Graph::columns(g.block(in, 1), specific_first ? m.specific : 0, m.shared), {c(1 - i)}, {1.0f}});
    g.add(SumNode{Graph::columns(g.block(in, 1), specific_first ? 0 : m.shared, m.specific), {p(i)}, {1.0f}});
    const int hidden = g.tensor(name + " hidden", 2, m.hidden);
    g.add(LinearNode{g.all(in), g.all(hidden), decoder_hidden[i], Activation::relu});
    out[i] = g.tensor(name + " output", 2, features[i]);
    g.add(LinearNode{g.all(hidden), g.all(out[i]), decoder_out[i], m.output_activation});
  }

  const int joint = g.tensor("classifier_input", 1, m.shared + 2 * m.specific);
  g.add(SumNode{Graph::columns(g.all(joint), 0, m.shared), {c(0), c(1)}, {0.5f, 0.5f}});
  g.add(SumNode{Graph::columns(g.all(joint), m.shared, m.specific), {p(0)}, {1.0f}});
  g.add(SumNode{Graph::columns(g.all(joint), m.shared + m.specific, m.specific), {p(1)}, {1.0f}});
  int prediction = g.tensor(m.softmax_twice ? "classifier sigmoid" : "prediction", 1, m.classes);
  g.add(LinearNode{g.all(joint), g.all(prediction), classifier,
                   m.softmax_twice ? Activation::sigmoid : Activation::identity});
  if (m.softmax_twice) {
    const int softmax = g.tensor("prediction", 1, m.classes);
    g.add(SoftmaxNode{g.all(prediction), g.all(softmax)});
    prediction = softmax;
  }

  for (int i = 0; i < 2; ++i) g.add(SquaredErrorNode{g.all(out[i]), g.all(x[i]), reconstruction_term[i]});
  g.add(InherentVariationalNode{g.block(z, 0), g.block(z, 1), m.shared, inherent_term, variational_term});
  g.add(CrossEntropyNode{g.all(prediction), entropy_term});

  g.output(g.all(prediction));
  for (int i = 0; i < 2; ++i) g.output(Graph::columns(g.block(heads, i), 0, latent));
  for (int i = 0; i < 2; ++i) g.output(g.all(out[i]));
  return g;
}

std::vector<Stretch> mldrl_heads(const MldrlModel& m) {
  const int rows = 2 * (m.shared + m.specific);
  return {{kHeadsLayer, false, 0, rows, 1}, {kHeadsLayer, true, 0, rows, 1}};
}

std::vector<Stretch> mldrl_head_biases_mean(const MldrlModel& m) {
  return {{kHeadsLayer, true, 0, m.shared + m.specific, 2}};
}

}  // namespace equipoise
