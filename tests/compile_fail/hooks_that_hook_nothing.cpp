// A hook with a misspelt name would never be called.
// EXPECT: psad: hooks that hook nothing
#include "psad/backend/reference.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/train/trainer.hpp"

using namespace psad;

struct Misspelt {
    void onStep(auto&, const train::StepRecord&) {}
};

void wrong(Model<Psad<>>& model, std::span<const Request> lists) {
    train::train(
        backend::Reference<float>(), model, lists, {}, [](const Model<Psad<>>&) { return train::ValidationScore{}; },
        Misspelt{});
}
