// engine/graph/pass.h - what a system's graph is built for.
#pragma once

namespace equipoise {

/// train: random draws made on the device; given: draws are read from data (replay of a record); evaluate: latents are
/// their means, nothing is dropped; generate: rows made from the prior alone.
enum class Pass { train, given, evaluate, generate };

}  // namespace equipoise
