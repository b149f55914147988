// All commands of one variant. CMake writes the files that ask for those that are built.
#pragma once

#include "cost.hpp"
#include "evaluate.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "rerank.hpp"
#include "train.hpp"
#include "variant_programs.hpp"
#include "variants.hpp"

namespace psad::cli {

template <class Variant>
VariantProgram program_of() {
    using Network = typename Variant::type;
    return {Variant::name, [](const TrainOptions& o) { train_on<Network>(backend::Cpu<float>(o.threads), o); },
            evaluate<Network>, rerank<Network>, cost<Network>};
}

}  // namespace psad::cli
