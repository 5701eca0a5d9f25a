// host/run/column_figures.h - figures of each column of numbers by itself, in the units of the data.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/statistics/figures.h"
#include "engine/systems/evaluation.h"
#include "engine/systems/system.h"
#include "host/run/prepared_data.h"

namespace equipoise {

/// Of every target column of numbers: root mean squared error and mean absolute error in the data's units, and R2 (one
/// minus the squared error's share of that of the column's mean), over the `rows` that know it; NaN where none does, R2
/// also where the column is constant. They are named <task>.<column>.rmse, .mae and .r2, of a task of one column
/// <task>.rmse, .mae and .r2. Names that the evaluation already has are left out. `evaluation` is of these rows.
std::vector<Figure> column_figures(const Evaluation& evaluation, const System& system, const Preprocess& preprocess,
                                   const Dataset& data, std::span<const int> rows);

/// In what a figure of that name is told: " (in the data's units)", " (of standardised values)" or "".
std::string_view unit_in_words(std::string_view figure);

}  // namespace equipoise
