// host/config/study_keys.h - the keys of the section [study].
#pragma once

#include <vector>

#include "host/config/config_schema.h"

namespace equipoise {

/// Known to every config. A slot that is asked of a config without the section gives it one.
std::vector<ConfigKey> study_keys();

}  // namespace equipoise
