// host/config/toml.h - the TOML library without its assertions: some fail on texts that it goes on to refuse, such as
// [.data], and would end a program that was built with them.
#pragma once

#ifndef NDEBUG
#define TOML_ASSERT(expr) static_cast<void>(0)
#endif
#include <toml++/toml.h>
