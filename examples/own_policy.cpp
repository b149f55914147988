// Policies of your own: a curve by which events fade, and a loss by which the student learns from feedback.
// Both are plain types; Psad takes them in any order beside its own.
#include <cmath>
#include <cstdio>
#include <exception>
#include <psad/psad.hpp>

namespace {

// fade(a) = sqrt(a), between the power law log(1 + a) and the exponential a. A curve gives its value and its
// derivative; an age is above 0, but may be tiny.
struct SquareRoot {
    [[maybe_unused]] static constexpr const char* name = "square root";
    template <class T>
    T operator()(T age) const {
        return std::sqrt(age);
    }
    template <class T>
    psad::Derivatives<T, 1> derivatives(T y, T) const {
        return {{T(0.5) / (y + T(1e-6))}};
    }
};

// A loss policy names its kind and gives one number per list. This one asks ListNet's question and the
// logistic one.
struct Both {
    using kind = psad::student_loss::kind_tag;
    static constexpr const char* name = "ListNet and half the logistic loss";

    template <class Step>
    static auto loss(Step& step) {
        const auto by_list = psad::student_loss::ListNet::loss(step);
        const auto by_item = psad::student_loss::Logistic::loss(step);
        return psad::map(step.ctx, psad::AddTimes<typename Step::T>{typename Step::T(0.5)}, by_list, by_item);
    }
};

constexpr psad::Spec spec{.width = 32, .encoder_layers = 1, .decoder_layers = 1, .feed_forward = 64};
using Usual = psad::Psad<spec>;
using Mine = psad::Psad<spec, psad::fade::Personal<SquareRoot>, Both>;

template <class Variant>
double trained(const char* name, const psad::data::Dataset& films) {
    const psad::backend::Cpu<float> cpu(0);
    const auto [model, report] = psad::fit<Variant>(cpu, films, {.epochs = 2});
    const psad::train::EpochRecord& last = report.epochs.back();
    std::printf("%-15s loss %.2f, validation NDCG@10: student %.3f, teacher %.3f\n", name, last.mean.loss,
                last.valid.student, last.valid.teacher);
    return last.valid.student;
}

}  // namespace

int main(int argc, char** argv) try {
    const auto films = psad::data::read_lists(argc > 1 ? argv[1] : "data/movietweetings-ci");
    const double usual = trained<Usual>("usual policies", films);
    const double mine = trained<Mine>("mine", films);
    return usual > 0 && mine > 0 ? 0 : 1;
} catch (const std::exception& e) {
    std::fprintf(stderr, "own_policy: %s\n", e.what());
    return 1;
}
