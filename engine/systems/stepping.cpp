// engine/systems/stepping.cpp - lowers a setup to be stepped and probed.
#include "engine/systems/stepping.h"

namespace equipoise {

Stepper stepper_of(const Setup& setup, int batch, Pass pass, bool shuffle, Executor& executor) {
  const Graph graph = setup.system->graph(pass);
  LowerOptions options = training_options(setup, batch, executor.plan_limits(), pass);
  options.shuffle = shuffle;
  Program train = lower(graph, options);

  options.probe = true;
  Balancer measures;
  measures.over = setup.system->recorded_over();
  measures.over_shared = measures.over.empty();
  // Balancers' states keep their places, so that both programs read one state.
  for (Balancer& b : options.balancers) {
    measures.chain = b.chain;
    b = measures;
    measures = {};
  }
  const Settings settings = replica_settings(setup);
  return {std::move(train), lower(graph, options), {&settings, 1}, executor};
}

}  // namespace equipoise
