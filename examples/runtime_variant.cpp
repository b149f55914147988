// A variant is a type, yet the choice among several can wait for the command line: a closed set, visited by
// name.
//   runtime_variant [VARIANT [DATA]]
#include <cstdio>
#include <exception>
#include <psad/psad.hpp>
#include <string>

namespace {

struct Narrow {
    static constexpr const char* name = "narrow";
    using type = psad::Psad<psad::Spec{.width = 16, .heads = 2, .encoder_layers = 1, .decoder_layers = 1}>;
};
struct Sorting {
    static constexpr const char* name = "sorting";
    using type = psad::Psad<Narrow::type::spec, psad::order::Sort, psad::distill::Hard>;
};
using Variants = psad::VariantSet<Narrow, Sorting>;

template <class Network>
void train_and_report(const std::string& name, const std::string& folder) {
    const auto films = psad::data::read_lists(folder);
    const psad::backend::Cpu<float> cpu(0);
    const auto [model, report] = psad::fit<Network>(cpu, films, {.epochs = 1});
    const auto test = psad::data::requests_of(films, films.test);
    const auto quality = psad::eval::ranking_quality(test, psad::eval::student_orders(cpu, model, test));
    const auto ndcg = psad::eval::bootstrap_mean(quality.ndcg10);
    std::printf("%s: %zu dense parameters, %.0f lists/s, test NDCG@10 after one epoch %.3f [%.3f, %.3f]\n",
                name.c_str(), model.registry.dense_size, report.lists_per_second, ndcg.value, ndcg.low, ndcg.high);
}

}  // namespace

int main(int argc, char** argv) try {
    const std::string name = argc > 1 ? argv[1] : "narrow";
    const std::string folder = argc > 2 ? argv[2] : "data/movietweetings-ci";
    Variants::visit(name, [&](auto chosen) { train_and_report<typename decltype(chosen)::type>(name, folder); });
    return 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "runtime_variant: %s\n", e.what());
    return 1;
}
