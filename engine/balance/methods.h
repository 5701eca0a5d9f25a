// engine/balance/methods.h - balancing methods in text: their names, the keys each takes, and the chain that a list of
// them is.
//
// A method is written NAME or NAME:key=value,key=value, as in cagrad:c=0.4,normalise=l2. A composition is a list of
// them, which act left to right.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/balance/method_list.h"

namespace equipoise {

struct Chain;  // kernels/balance/chain.h

/// What is said of a name that is none, such as "did you mean 'cagrad'?".
using NameHint = std::function<std::string(std::string_view wanted, std::span<const std::string> names)>;

/// Lists all the names.
std::string list_names(std::string_view wanted, std::span<const std::string> names);

/// The methods that `specs` name; `where` begins each message ("balance.methods", "--method"). Throws Error(usage) for
/// unknown names and keys, values that are none or out of range, an empty or too long list, a method named twice,
/// graddrop before another method, both forms of GradNorm, and two values for one setting of the run.
MethodList parse_methods(std::span<const std::string> specs, const std::string& where,
                         const NameHint& hint = list_names);

/// The method as parse_methods reads it: its name, then the keys that differ from their defaults, in the table's order.
/// With `list`, what that names of the run's settings too.
std::string method_text(const Method& method, const MethodList* list = nullptr);

/// The method with each of its own keys, defaults as well; the run's settings alpha and lr are left to their own keys.
std::string full_method_text(const Method& method);

/// Whether the method has weights that learn at the run's rate for them (MethodList::task_lr).
bool learns_weights(const Method& method);

/// Lower-case, as the enumerators.
std::string_view method_name(MethodKind kind);

/// Names of all methods, in the order of the enumerators.
std::vector<std::string> method_names();

/// A method as it is when nothing but its name is given.
Method default_method(MethodKind kind);

/// The table of all methods for --help: a line of meaning and paper each, then its keys with ranges and defaults.
std::string methods_help();

/// Lays the methods' states one after another. Throws Error(usage) for more tasks or methods than there may be.
/// private_weights and rescale are 0.
Chain make_chain(const std::vector<Method>& methods, int tasks);

/// Whether the chain reads the gradients' inner products; if not, its weights follow from losses and state alone.
bool needs_gram(const Chain& chain);

/// Whether the weights of a step are unknown before its losses: the method reads who is present in the batch.
bool needs_losses(MethodKind kind);

/// Whether the method takes logarithms or ratios of losses, or divides by one: a loss must not be negative.
bool needs_positive_losses(const Method& method);

}  // namespace equipoise
