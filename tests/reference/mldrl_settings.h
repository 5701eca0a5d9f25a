// tests/reference/mldrl_settings.h - every choice in which descriptions of MLDRL differ, and how records spell it.
#pragma once

#include <array>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/reference/adam.h"
#include "tests/reference/losses.h"

namespace equipoise::reference {

inline constexpr int kTasks = 3;
inline const std::array<std::string, kTasks> kTaskNames = {"reconstruction", "inherent_variational", "classification"};
inline const std::vector<std::string> kLatentHeads = {"_enc_mu.weight", "_enc_mu.bias", "_enc_log_sigma.weight",
                                                      "_enc_log_sigma.bias"};

enum class CrossOrder { shared_first, specific_first };  // decoder 1 crossed reads [c_2, p_1] or [p_1, c_2]
enum class Classifier { logits, sigmoid_softmax };       // what the cross-entropy (with its log-softmax) is given
enum class LossRatio { raw, weighted };                  // L(t) / L(0) or w(t) L(t) / (w(0) L(0))
enum class OverForm { concatenated, averaged };          // how the tensors GradNorm watches become one vector

/// Defaults: the paper's form with its published rates. The sizes of the layers come from the parameters' shapes.
struct MldrlSettings {
  int shared = 6;  // c, the leading latent dimensions; the rest are specific
  CrossOrder cross_decoder1 = CrossOrder::shared_first;
  InherentVariational inherent_variational = InherentVariational::ratio;
  Classifier classifier = Classifier::logits;
  Activation hidden_activation = Activation::relu;
  Activation output_activation = Activation::identity;
  std::vector<double> class_weights;  // [classes], or empty for all ones

  double loss_scale = 1.0;  // total = loss_scale * sum w L
  std::vector<double> initial_task_weights = {1.4, 3.0, 0.3};
  bool gradnorm = true;  // false: the task weights stay as given
  double alpha = 0.16;
  LossRatio loss_ratio = LossRatio::raw;
  std::vector<std::string> gradnorm_over = kLatentHeads;  // parameter names
  OverForm gradnorm_over_form = OverForm::concatenated;
  bool renormalise_after_step = true;

  AdamSettings adam{.lr = 8.5e-5};
  double task_lr = 8.5e-5;  // the task weights' Adam: adam's betas and eps, no decay
  double clip_norm = 0.0;   // of the gradient of the total loss over all parameters; 0 = off
};

inline MldrlSettings paper_settings() { return {}; }

inline MldrlSettings code_settings() {
  MldrlSettings s;
  s.cross_decoder1 = CrossOrder::specific_first;
  s.inherent_variational = InherentVariational::difference;
  s.classifier = Classifier::sigmoid_softmax;
  s.output_activation = Activation::relu;
  s.loss_scale = 1.0 / 3.0;
  s.loss_ratio = LossRatio::weighted;
  s.gradnorm_over = {"_enc_mu.bias", "_enc_log_sigma.bias"};
  s.gradnorm_over_form = OverForm::averaged;
  s.renormalise_after_step = false;
  return s;
}

/// The numbers of a text, separated by blanks; "1/3" is a number.
inline std::vector<double> numbers_in(const std::string& text) {
  std::vector<double> numbers;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    const std::size_t slash = word.find('/');
    const double numerator = std::stod(word.substr(0, slash));
    numbers.push_back(slash == std::string::npos ? numerator : numerator / std::stod(word.substr(slash + 1)));
  }
  return numbers;
}

/// The settings a record's metadata states; what it leaves out keeps the default of its `variant`. Throws
/// std::invalid_argument for a value that is unknown.
inline MldrlSettings settings_from(const std::map<std::string, std::string>& metadata) {
  const auto variant = metadata.find("variant");
  MldrlSettings s = variant != metadata.end() && variant->second == "code" ? code_settings() : paper_settings();

  const auto number = [&](const std::string& key, double& value) {
    if (const auto found = metadata.find(key); found != metadata.end()) value = numbers_in(found->second).at(0);
  };
  const auto choice = [&](const std::string& key, auto& value, const auto& spellings) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) return;
    const auto spelled = spellings.find(found->second);
    if (spelled == spellings.end()) throw std::invalid_argument(key + " cannot be '" + found->second + "'");
    value = spelled->second;
  };

  double shared = s.shared;
  number("shared", shared);
  s.shared = static_cast<int>(shared);
  number("loss_scale", s.loss_scale);
  number("alpha", s.alpha);
  number("lr", s.adam.lr);
  number("beta1", s.adam.beta1);
  number("beta2", s.adam.beta2);
  number("eps", s.adam.eps);
  number("weight_decay", s.adam.weight_decay);
  number("task_lr", s.task_lr);
  number("clip_norm", s.clip_norm);
  if (metadata.count("initial_task_weights")) s.initial_task_weights = numbers_in(metadata.at("initial_task_weights"));
  if (metadata.count("class_weights")) s.class_weights = numbers_in(metadata.at("class_weights"));
  if (metadata.count("output_activation")) s.output_activation = activation_named(metadata.at("output_activation"));

  choice("cross_decoder1", s.cross_decoder1,
         std::map<std::string, CrossOrder>{{"shared2 specific1", CrossOrder::shared_first},
                                           {"specific1 shared2", CrossOrder::specific_first}});
  choice("inherent_variational", s.inherent_variational,
         std::map<std::string, InherentVariational>{{"ratio", InherentVariational::ratio},
                                                    {"difference", InherentVariational::difference}});
  choice("classifier", s.classifier,
         std::map<std::string, Classifier>{{"crossentropy(log_softmax)", Classifier::logits},
                                           {"sigmoid softmax crossentropy(log_softmax)", Classifier::sigmoid_softmax}});
  choice("loss_ratio", s.loss_ratio,
         std::map<std::string, LossRatio>{{"raw", LossRatio::raw}, {"weighted", LossRatio::weighted}});
  choice("renormalise", s.renormalise_after_step, std::map<std::string, bool>{{"after_step", true}, {"none", false}});
  choice("gradnorm_over", s.gradnorm_over,
         std::map<std::string, std::vector<std::string>>{
             {"heads", kLatentHeads}, {"head_biases_mean", {"_enc_mu.bias", "_enc_log_sigma.bias"}}});
  choice("gradnorm_over", s.gradnorm_over_form,
         std::map<std::string, OverForm>{{"heads", OverForm::concatenated}, {"head_biases_mean", OverForm::averaged}});
  return s;
}

}  // namespace equipoise::reference
