// kernels/balance/run_chain.cpp - the chain of methods for one thread: what the CPU backend runs.
#include "kernels/balance/run_chain.h"

namespace equipoise {

template void run_chain<Solo>(const Solo& team, const Chain& chain, const ChainStep& step);

}  // namespace equipoise
