#include "run_method.hpp"

namespace psad::quality {

std::vector<Method> generators() {
    using transition::Off;
    return {
        {"ar", "one position at a time (K = 1), transitions off", run_method<Generator<1, Off>>},
        {"k2", "blocks of 2, transitions off", run_method<Generator<2, Off>>},
        {"k3", "blocks of 3, transitions off", run_method<Generator<3, Off>>},
        {"k5", "blocks of 5, transitions off", run_method<Generator<5, Off>>},
        {"nar", "all positions at once (K = L), transitions off", run_method<Generator<10, Off>>},
        {"ar+t", "one position at a time, with transitions", run_method<Generator<1>>},
        {"k2+t", "blocks of 2, with transitions", run_method<Generator<2>>},
        {"k3+t", "blocks of 3, with transitions", run_method<Generator<3>>},
        {"k5+t", "blocks of 5, with transitions: the teacher trained alone", run_method<Generator<5>>},
        {"nar+t", "all positions at once, with transitions", run_method<Generator<10>>},
        {"seq2slate", "Seq2Slate (Bello et al., 2018): one position at a time, no UPN; transformer, cached",
         run_method<Generator<1, Off, pool::None, match::Off>>},
        {"nar4rec",
         "NAR4Rec (Ren et al., KDD 2024): all positions at once, no UPN, contrastive decoding, unlikelihood where the "
         "lists say what was shown",
         run_method<Generator<10, Off, pool::None, match::Off, penalty::Unlikelihood, decode::Contrastive>>},
    };
}

}  // namespace psad::quality
