#include "run_cell.hpp"

namespace psad::cli {

std::vector<Contender> ablations() {
    return {
        {"no-upn", "items as they are, the profile added", run_cell<Compared<pool::None, match::Off>>},
        {"mean-history", "the mean of the events", run_cell<Compared<pool::Mean>>},
        {"no-fading", "events do not fade", run_cell<Compared<fade::None>>},
        {"global-fading", "one fading rate for all users", run_cell<Compared<fade::Global<fade::PowerLaw>>>},
        {"exponential", "exponential forgetting, a rate per user",
         run_cell<Compared<fade::Personal<fade::Exponential>>>},
        {"no-gates", "no personalised gates", run_cell<Compared<gate::None>>},
        {"no-match", "no item match", run_cell<Compared<match::Off>>},
        {"no-transitions", "neither teacher nor student has transitions",
         run_cell<Compared<transition::Off, order::Sort>>},
        {"time-by-fading", "positions carry no time, fading alone does", run_cell<Compared<position::None>>},
        {"time-by-global-fading", "positions carry no time, one fading rate for all users",
         run_cell<Compared<position::None, fade::Global<fade::PowerLaw>>>},
        {"no-time", "neither positions nor fading", run_cell<Compared<position::None, fade::None>>},
        {"plain-positions", "positions the same for all users", run_cell<Compared<position::Plain>>},
    };
}

}  // namespace psad::cli
