// Gradients of the joint loss: every policy against central differences, and who may teach whom.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/autograd/gradient_check.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/model/baselines/attention_scorer.hpp"
#include "psad/model/baselines/dlcm.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/train/joint_loss.hpp"
#include "psad/train/training_batch.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

constexpr DropoutDraw draw{0.1f, 5};

// A network with shaken parameters and one batch to learn from.
template <class Network>
class Bench {
  public:
    Bench()
        : owned_(with_poor_lists()),
          encoder_(toy_encoder(views(owned_))),
          network_(Scope(registry_), encoder_.input_sizes()),
          parameters_(registry_) {
        parameters_.initialise(registry_, 2);
        for (std::size_t i = 0; i < registry_.dense_size; ++i) {  // so that no ReLU is at its kink
            parameters_.dense.data()[i] += 0.2 * rng::normal(14, i);
        }
        using Target = typename Network::template policy<target::kind_tag, target::Set>;
        builder_.build(encoder_, views(owned_), Network::spec.positions, Network::spec.block, 1, Target{},
                       label_groups<Network>());
        batch_ = builder_.view();
    }

    // Compares the parameters for which `wanted(name)` holds with central differences.
    template <class Wanted>
    void check(const LossWeights& weights, Wanted wanted) {
        ParameterRegistry some = registry_;
        std::erase_if(some.parameters, [&](const ParameterInfo& p) { return !wanted(p.name); });
        REQUIRE(some.parameters.size() > 10);
        const auto build = [&](auto& ctx) { return loss(ctx, weights).total; };
        const auto result =
            check_gradients(backend::Cpu<double>{}, some, parameters_, batch_.in.layout, build, 4, draw);
        INFO("parameter " << result.parameter << "[" << result.index << "]: tape " << result.by_tape << ", difference "
                          << result.by_difference);
        CHECK(result.worst < 1e-5);  // losses of some tens: a difference of two has rounding errors
    }

    // The gradient of all parameters whose name begins with `part`, one after the other.
    std::vector<double> gradient(const LossWeights& weights, std::string_view part) {
        const backend::Cpu<double> device;
        Arena<> arena;
        Parameters<double> grad(registry_);
        Tape tape(device, parameters_, batch_.in.layout, arena, grad.dense.data(), draw);
        tape.backward(loss(tape, weights).total, 1.0);
        add_sparse(tape.sparse_gradients(), grad.tables.data());
        std::vector<double> out;
        for (const ParameterInfo& p : registry_.parameters) {
            if (p.name.starts_with(part)) out.insert(out.end(), grad.at(p), grad.at(p) + p.size());
        }
        return out;
    }

    // What distillation costs, and what Soft should cost by the book: tau^2 times the cross-entropy between
    // the tempered distributions over what is free, position by position. The teacher is the mean of so many.
    // If `scored`, one of the others is a ranker that gives each candidate one score.
    std::pair<double, double> soft_by_the_book(double temperature, std::size_t teachers = 1, bool scored = false) {
        const backend::Cpu<double> device;
        Arena<> arena;
        Parameters<double> grad(registry_);
        Tape tape(device, parameters_, batch_.in.layout, arena, grad.dense.data());
        const Prefix& prefix = batch_.prefix;
        const auto own = network_.teacher.logits(tape, network_.teacher.encode(tape, batch_.in), prefix);
        std::vector<std::vector<double>> others(teachers - 1);
        std::vector<const double*> bag;
        std::vector<double> teacher(own.data, own.data + own.rows);
        const PairLayout pairs = batch_.in.layout.template pairs<Positions, Items>();
        std::vector<double> score;
        for (int i = 0; i < batch_.in.layout.items.rows; ++i)
            score.push_back(2 * rng::normal(77, static_cast<std::uint64_t>(i)));
        for (std::size_t k = 0; k < others.size(); ++k) {
            const bool by_score = scored && k == 0;
            for (int q = 0; q < pairs.queries; ++q) {
                const int first = pairs.key_begin[pairs.query_owner[q]], end = pairs.key_end[pairs.query_owner[q]];
                for (int i = first; i < end; ++i)
                    others[k].push_back(by_score ? score[static_cast<std::size_t>(i)]
                                                 : 2 * rng::normal(k, others[k].size()));
            }
            for (std::size_t i = 0; i < teacher.size(); ++i) teacher[i] += others[k][i];
            if (!by_score) bag.push_back(others[k].data());
        }
        TrainingBatch<double> batch = batch_;
        if (scored) batch.labels.teacher_score = score.data();
        for (double& x : teacher) x /= static_cast<double>(teachers);
        const auto distilled = joint_loss<Tape<backend::Cpu<double>>, Network, double>(
                                   tape, network_, parameters_, batch, {1, 1, temperature}, greedy_targets_, bag)
                                   .distillation;
        const auto user = network_.student.user_state(tape, batch_.in);
        const auto student = network_.student.logits(tape, network_.student.score(tape, batch_.in, user), prefix);
        double wanted = 0;
        for (int q = 0; q < pairs.queries; ++q) {
            const int l = pairs.query_owner[q], first = pairs.key_begin[l], n = pairs.key_end[l] - first;
            const int row = pairs.offset[l] + (q - pairs.query_begin[l]) * n;
            const auto log_softmax = [&](const double* logits) {
                double sum = 0;
                std::vector<double> out;
                for (int i = 0; i < n; ++i) {
                    const bool free = prefix.placed_at[first + i] >= prefix.position[q];
                    out.push_back(free ? logits[row + i] / temperature : -1e300);
                    sum += std::exp(out.back());
                }
                for (double& x : out) x -= std::log(sum);
                return out;
            };
            const auto p = log_softmax(teacher.data()), s = log_softmax(student.data);
            for (std::size_t i = 0; i < p.size(); ++i) {
                if (p[i] > -1e299) wanted -= position_weight(prefix.position[q]) * std::exp(p[i]) * s[i];
            }
        }
        double found = 0;
        for (int l = 0; l < distilled.rows; ++l) found += distilled.data[l];
        return {found, temperature * temperature * wanted};
    }

  private:
    // Two of the lists have no positive.
    static std::vector<OwnedRequest> with_poor_lists() {
        auto owned = toy_requests(3);
        for (const std::size_t l : {2u, 3u}) {
            std::fill(owned[l].labels.begin(), owned[l].labels.end(), std::int8_t{0});
        }
        return owned;
    }

    template <class Ctx>
    auto loss(Ctx& ctx, const LossWeights& weights) {
        return joint_loss(ctx, network_, parameters_, batch_, weights, greedy_targets_);
    }

    std::vector<OwnedRequest> owned_;
    Encoder encoder_;
    ParameterRegistry registry_;
    Network network_;
    Parameters<double> parameters_;
    BatchBuilder<double> builder_;
    TrainingBatch<double> batch_;
    GreedyTargets<double> greedy_targets_;
};

// Without distillation: central differences would see through its shields.
constexpr LossWeights alone{0.7, 0, 1}, distilled{0.7, 1, 1.7};

bool any(const std::string&) {
    return true;
}
bool of_student(const std::string& name) {
    return name.starts_with("student");
}
bool of_teacher(const std::string& name) {
    return name.starts_with("teacher");
}
// The item embedding enters a gate per item shielded (PEPNet), which central differences see through.
bool but_gated_items(const std::string& name) {
    return !name.starts_with("teacher.features.item") && !name.starts_with("teacher.features.dense");
}

// The half of distill::Mutual that the teacher learns from, alone.
struct StudentToTeacher {
    using kind = distill::kind_tag;
    static constexpr const char* name = "student to teacher";

    template <class S>
    static auto loss(S& s) {
        return distill::divergence(s, s.student_logits, s.teacher_logits);
    }
};

template <class Distill>
using Distilled = Psad<small, gate::PerUser, Distill>;

void check_close(const std::vector<double>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) worst = (std::max)(worst, std::abs(a[i] - b[i]));
    CHECK(worst < 1e-12);
}

// The teacher's gradient is the same to the bit with and without distillation; the student's is not.
template <class Distill>
void check_shielded() {
    Bench<Distilled<Distill>> b;
    CHECK(b.gradient(alone, "teacher") == b.gradient(distilled, "teacher"));
    CHECK(b.gradient(alone, "student") != b.gradient(distilled, "student"));
}

}  // namespace

TEST_CASE("gradient of the joint loss: default policies, but gates per user") {
    Bench<Psad<small, gate::PerUser>>().check(alone, any);
}

TEST_CASE("gradient of the joint loss: gates per item") {
    Bench<Psad<small, gate::PerItem, target::ClickWeightedExposure>>().check(alone, but_gated_items);
}

TEST_CASE("gradient of the joint loss: every other policy") {
    Bench<Psad<small, fade::Global<fade::Exponential>, gate::None, match::Off, order::Sort, student_loss::ListNet,
               target::PositivesFirst>>()
        .check(alone, any);
    Bench<Psad<small, fade::None, gate::PerUser, pool::PerUser, transition::Off, list_context::SelfAttention,
               student_loss::Logistic, target::Exposure>>()
        .check(alone, any);
    Bench<Psad<small, gate::None, student_loss::PerPosition, target::PositivesFirst>>().check(alone, any);
    Bench<Psad<small, gate::PerUser, tie::Embeddings, penalty::Unlikelihood, target::Exposure>>().check(alone, any);
}

TEST_CASE("gradient of the joint loss: poorer pictures of the user") {
    Bench<Psad<small, pool::Mean, gate::PerUser, position::Plain>>().check(alone, any);
    Bench<Psad<small, position::None, gate::PerUser>>().check(alone, any);
    Bench<Psad<small, pool::PerUser, position::Plain, gate::PerUser, list_context::None>>().check(alone, any);
    Bench<Psad<small, pool::None, list_context::SelfAttention>>().check(alone, any);
}

TEST_CASE("gradient of the loss of a teacher or of a student alone") {
    using Both = Psad<small, gate::PerUser>;
    Bench<TeacherOf<Both>>().check(alone, any);
    Bench<StudentOf<Both>>().check(alone, any);
}

TEST_CASE("gradient of clicks along the list") {
    using Clicks = Psad<small, gate::PerUser, student_loss::ClicksAlongList, target::Exposure>;
    Bench<StudentOf<Clicks>>().check(alone, any);
}

template <class S, class... Policies>
using Alone = StudentOf<Psad<small, student::Of<S>, Policies...>>;

TEST_CASE("gradient of the baselines that score in one pass") {
    Bench<Alone<baseline::Prm<small>, student_loss::ListNet>>().check(alone, any);
    Bench<Alone<baseline::SetRank<small>, student_loss::ListNet>>().check(alone, any);
    Bench<Alone<baseline::Dlcm<small>, student_loss::ListNet>>().check(alone, any);
    Bench<Alone<baseline::Prm<small, pool::PerUser>>>().check(alone, any);
    Bench<Alone<baseline::Dlcm<small, pool::PerUser>>>().check(alone, any);
}

TEST_CASE("offline distillation leaves the finished teacher alone") {
    using Both = Psad<small, gate::PerUser>;
    Bench<FrozenTeacher<Both>> b;
    for (const double x : b.gradient(distilled, "teacher")) REQUIRE(x == 0);
    CHECK(b.gradient(alone, "student") != b.gradient(distilled, "student"));
}

TEST_CASE("cross-entropy: a hopeless target still costs and pulls, a NaN stays one") {
    constexpr std::size_t n = 3;
    const auto row = [&](float low, std::vector<float>& gradient) {
        const std::vector<float> logits{0, low, 0};
        const std::vector<float> target{0, 1, 0}, weight{1}, one{1};
        std::vector<float> p(n), loss(1);
        gradient.assign(n, 0);
        LayoutStorage storage;
        storage.clear();
        storage.add(n, 0, 1);
        const PairLayout pairs = storage.view().pairs<Positions, Items>();
        ops::MaskedSoftmaxRow<float>{logits.data(), pairs, {}, 1, p.data()}(0);
        ops::CrossEntropyRow<float>{p.data(), target.data(), weight.data(), pairs, loss.data()}(0);
        ops::CrossEntropyRowBackward<float>{p.data(), target.data(),  weight.data(), one.data(), pairs,
                                            1,        gradient.data()}(0);
        return loss[0];
    };
    std::vector<float> gradient;
    CHECK(row(-20, gradient) == doctest::Approx(20 + std::log(2.0)));
    CHECK(row(-1000, gradient) > 80);
    CHECK(gradient[1] == doctest::Approx(-1));
    CHECK(gradient[0] == doctest::Approx(0.5));
    CHECK(std::isnan(row(std::numeric_limits<float>::quiet_NaN(), gradient)));
}

TEST_CASE("gradient of distillation: the student's parameters, the teacher held still") {
    Bench<Distilled<distill::Soft>>().check(distilled, of_student);
    Bench<Distilled<distill::LogitMse>>().check(distilled, of_student);
    Bench<Distilled<distill::Hard>>().check(distilled, of_student);
    Bench<Psad<small, gate::PerUser, order::Sort, distill::Hard>>().check(distilled, of_student);
}

TEST_CASE("soft distillation costs what the book says at any temperature") {
    Bench<Distilled<distill::Soft>> b;
    for (const double temperature : {1.0, 0.5, 3.0}) {
        const auto [found, wanted] = b.soft_by_the_book(temperature);
        CHECK(found == doctest::Approx(wanted).epsilon(1e-9));
    }
}

TEST_CASE("a bag distils the mean of its teachers' logits, the scores of another ranker among them") {
    Bench<Distilled<distill::Soft>> b;
    for (const std::size_t teachers : {2u, 3u}) {
        for (const bool scored : {false, true}) {
            const auto [found, wanted] = b.soft_by_the_book(1.7, teachers, scored);
            CHECK(found == doctest::Approx(wanted).epsilon(1e-9));
        }
    }
}

TEST_CASE("distillation does not reach the teacher") {
    check_shielded<distill::Soft>();
    check_shielded<distill::LogitMse>();
    check_shielded<distill::Hard>();
}

TEST_CASE("mutual distillation: each side learns from the other, shielded from what it teaches") {
    Bench<Distilled<distill::Mutual>> both;
    Bench<Distilled<distill::Soft>> down;
    Bench<Distilled<StudentToTeacher>> up;
    CHECK(both.gradient(alone, "teacher") != both.gradient(distilled, "teacher"));
    check_close(both.gradient(distilled, "student"), down.gradient(distilled, "student"));
    check_close(both.gradient(distilled, "teacher"), up.gradient(distilled, "teacher"));
    up.check(distilled, of_teacher);
}

TEST_CASE("distillation of weight 0, and none at all, leave the other terms as they are") {
    Bench<Distilled<distill::None>> none;
    Bench<Distilled<distill::Soft>> soft;
    CHECK(none.gradient(distilled, "") == soft.gradient(alone, ""));
}
