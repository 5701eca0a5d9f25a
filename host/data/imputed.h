// host/data/imputed.h - how much of a view the medians make up.
#pragma once

#include <string>

#include "host/data/preprocess.h"

namespace equipoise {

/// A sentence: which share of the values of the training rows is missing and takes the median, in how many columns, and
/// in which most; "" where none is, or that is not known.
std::string tell_imputed(const std::string& file, const FittedView& view, int train_rows);

}  // namespace equipoise
