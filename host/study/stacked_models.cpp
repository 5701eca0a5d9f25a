// host/study/stacked_models.cpp - puts models on one another and takes them apart.
#include "host/study/stacked_models.h"

#include <fmt/format.h>

#include <stdexcept>

#include "engine/base/error.h"
#include "engine/files/json_text.h"

namespace equipoise {

namespace {

constexpr const char* kOwn = "models";

[[noreturn]] void refuse(const TensorFile& file, const std::string& why) {
  throw Error(ExitCode::checkpoint,
              fmt::format("{}: {}; it is damaged or was made by another program", file.path, why));
}

/// Metadata of every model that not all share.
std::vector<std::map<std::string, std::string>> own_metadata(const TensorFile& stacked) {
  const auto found = stacked.metadata.find(kOwn);
  if (found == stacked.metadata.end()) refuse(stacked, "tells of no models");
  std::vector<std::map<std::string, std::string>> own;
  try {
    for (const auto& model : parse_json(found->second, stacked.path)) {
      own.emplace_back();
      for (const auto& [key, value] : model.items()) own.back()[key] = value.get<std::string>();
    }
  } catch (const nlohmann::json::exception&) {
    refuse(stacked, "its metadata 'models' cannot be read");
  }
  if (own.empty()) refuse(stacked, "holds no model");
  return own;
}

}  // namespace

bool same_structure(const TensorFile& a, const TensorFile& b) {
  return std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first && x.second.type == y.second.type && x.second.shape == y.second.shape;
                    });
}

TensorFile stack_models(std::span<const TensorFile* const> models) {
  if (models.empty()) throw std::logic_error("no models to stack");
  TensorFile stacked;
  stacked.metadata = models[0]->metadata;
  for (const TensorFile* model : models) {
    if (!same_structure(*models[0], *model)) throw std::logic_error("models of different structures cannot be stacked");
    std::erase_if(stacked.metadata, [&](const auto& entry) {
      const auto found = model->metadata.find(entry.first);
      return found == model->metadata.end() || found->second != entry.second;
    });
  }
  nlohmann::ordered_json own = nlohmann::ordered_json::array();
  for (const TensorFile* model : models) {
    nlohmann::ordered_json of_model = nlohmann::ordered_json::object();
    for (const auto& [key, value] : model->metadata)
      if (!stacked.metadata.contains(key)) of_model[key] = value;
    own.push_back(std::move(of_model));
  }
  stacked.metadata[kOwn] = own.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  for (const auto& [name, first] : models[0]->tensors) {
    StoredTensor& tensor = stacked.tensors[name];
    tensor.type = first.type;
    tensor.shape = first.shape;
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(models.size()));
    tensor.bytes.reserve(first.bytes.size() * models.size());
    for (const TensorFile* model : models) {
      const std::vector<std::byte>& bytes = model->tensors.at(name).bytes;
      tensor.bytes.insert(tensor.bytes.end(), bytes.begin(), bytes.end());
    }
  }
  return stacked;
}

std::vector<TensorFile> unstack_models(const TensorFile& stacked) {
  const std::vector<std::map<std::string, std::string>> own = own_metadata(stacked);
  std::vector<TensorFile> models(own.size());
  for (std::size_t m = 0; m < own.size(); ++m) {
    models[m].path = fmt::format("{} (model {})", stacked.path, m + 1);
    models[m].metadata = stacked.metadata;
    models[m].metadata.erase(kOwn);
    for (const auto& [key, value] : own[m]) models[m].metadata[key] = value;
  }
  for (const auto& [name, tensor] : stacked.tensors) {
    if (tensor.shape.empty() || tensor.shape[0] != static_cast<int64_t>(own.size()))
      refuse(stacked, fmt::format("its tensor '{}' is not one of {} models", name, own.size()));
    const std::size_t bytes = tensor.bytes.size() / own.size();
    for (std::size_t m = 0; m < own.size(); ++m) {
      const auto first = tensor.bytes.begin() + static_cast<std::ptrdiff_t>(m * bytes);
      models[m].tensors[name] = {tensor.type,
                                 {tensor.shape.begin() + 1, tensor.shape.end()},
                                 {first, first + static_cast<std::ptrdiff_t>(bytes)}};
    }
  }
  return models;
}

}  // namespace equipoise
