/// \file hooks.hpp
/// What looks on while a model is trained.
#pragma once

#include <type_traits>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::train {

/// Hooks that do nothing. Hooks are any type that has some of
///     bool on_step(auto& trainer, const StepRecord& record);    // after each step
///     bool on_epoch(auto& trainer, const EpochRecord& record);  // after each epoch and its validation
///
/// False ends the training: after a step, the epoch ends there and is validated as usual. A hook may return void. It
/// sees the model by trainer.model().
struct NoHooks {};

namespace trainer_detail {

/// What a hook answers: true where it returns nothing.
template <class Call>
bool wants_more(Call call) {
    if constexpr (std::is_void_v<decltype(call())>)
        return call(), true;
    else
        return call();
}

}  // namespace trainer_detail

}  // namespace psad::train
