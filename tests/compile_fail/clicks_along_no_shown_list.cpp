// A click model that learns along the shown list is refused a target that follows another.
// EXPECT: psad: student_loss::ClicksAlongList reads the shown list
#include <span>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/train/trainer.hpp"

using Wrong = psad::StudentOf<psad::Psad<psad::Spec{}, psad::student_loss::ClicksAlongList>>;

void wrong(psad::Model<Wrong>& model, std::span<const psad::Request> lists) {
    psad::train::train(psad::backend::Cpu<float>(), model, lists, {},
                       [](const auto&) { return psad::train::ValidationScore{}; });
}
