// host/run/figure_parts.cpp - names of parts and of views.
#include "host/run/figure_parts.h"

namespace equipoise {

std::vector<std::string> figure_parts(const Evaluation& evaluation, const Figure& figure,
                                      const std::vector<ViewSource>& views) {
  if (figure.values.size() < 2) return {};
  const auto own = evaluation.parts.find(figure.name);
  if (own != evaluation.parts.end() && own->second.size() == figure.values.size()) return own->second;
  if (views.size() != figure.values.size()) return {};
  std::vector<std::string> names;
  for (const ViewSource& view : views)
    names.push_back(view.file.filename().string() + (view.columns.empty() ? "" : ":" + view.columns.front()));
  return names;
}

}  // namespace equipoise
