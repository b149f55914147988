// A model holds float; a backend of double cannot train it.
// EXPECT: psad: a Model holds float; train on a backend of float
#include "psad/backend/reference.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/train/trainer.hpp"

using namespace psad;

void wrong(Model<Psad<>>& model, std::span<const Request> lists) {
    train::train(backend::Reference<double>(), model, lists, {},
                 [](const Model<Psad<>>&) { return train::ValidationScore{}; });
}
