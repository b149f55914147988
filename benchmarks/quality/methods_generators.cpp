#include "run_cell.hpp"

namespace psad::cli {

std::vector<Contender> generators() {
    using transition::Off;
    return {
        {"ar", "one place at a time (K = 1), transitions off", run_cell<Writer<1, Off>>},
        {"k2", "blocks of 2, transitions off", run_cell<Writer<2, Off>>},
        {"k3", "blocks of 3, transitions off", run_cell<Writer<3, Off>>},
        {"k5", "blocks of 5, transitions off", run_cell<Writer<5, Off>>},
        {"nar", "all places at once (K = L), transitions off", run_cell<Writer<10, Off>>},
        {"ar+t", "one place at a time, with transitions", run_cell<Writer<1>>},
        {"k2+t", "blocks of 2, with transitions", run_cell<Writer<2>>},
        {"k3+t", "blocks of 3, with transitions", run_cell<Writer<3>>},
        {"k5+t", "blocks of 5, with transitions: the teacher trained alone", run_cell<Writer<5>>},
        {"nar+t", "all places at once, with transitions", run_cell<Writer<10>>},
        {"seq2slate", "Seq2Slate (Bello et al., 2018): one place at a time, no UPN; transformer, cached",
         run_cell<Writer<1, Off, pool::None, match::Off>>},
        {"nar4rec",
         "NAR4Rec (Ren et al., KDD 2024): all places at once, no UPN, contrastive decoding, unlikelihood "
         "where "
         "the lists say what was shown",
         run_cell<Writer<10, Off, pool::None, match::Off, penalty::Unlikelihood, decode::Contrastive>>},
    };
}

}  // namespace psad::cli
