#include "run_method.hpp"

namespace psad::quality {

std::vector<Method> ablations() {
    return {
        {"no-upn", "items as they are, the profile added", run_method<Pair<pool::None, match::Off>>},
        {"mean-history", "the mean of the events", run_method<Pair<pool::Mean>>},
        {"no-fading", "events do not fade", run_method<Pair<fade::None>>},
        {"global-fading", "one fading rate for all users", run_method<Pair<fade::Global<fade::PowerLaw>>>},
        {"exponential", "exponential forgetting, a rate per user", run_method<Pair<fade::Personal<fade::Exponential>>>},
        {"no-gates", "no personalised gates", run_method<Pair<gate::None>>},
        {"no-match", "no item match", run_method<Pair<match::Off>>},
        {"no-transitions", "neither teacher nor student has transitions",
         run_method<Pair<transition::Off, order::Sort>>},
        {"time-by-fading", "positions carry no time, fading alone does", run_method<Pair<position::None>>},
        {"time-by-global-fading", "positions carry no time, one fading rate for all users",
         run_method<Pair<position::None, fade::Global<fade::PowerLaw>>>},
        {"no-time", "neither positions nor fading", run_method<Pair<position::None, fade::None>>},
        {"plain-positions", "positions the same for all users", run_method<Pair<position::Plain>>},
    };
}

}  // namespace psad::quality
