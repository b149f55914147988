// A student says how wide the embeddings are that it reads.
// EXPECT: psad: a student lacks its width; wanted: static constexpr int width
#include "psad/model/psad_model.hpp"

using namespace psad;

struct Mine {
    static constexpr const char* name = "mine";
};
using Wrong = Psad<Spec{}, student::Of<Mine>>;
static_assert(Wrong::spec.width == 64);
