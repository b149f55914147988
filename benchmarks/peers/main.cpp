// psad_peers write FOLDER: writes models, inputs and psad's scores for make_peers.py.
// psad_peers time FOLDER LIBRARY JSON: times psad, ONNX Runtime and LibTorch in turn, on one thread.
// psad_peers train FOLDER PYTHON SCRIPT JSON: times joint training beside train_peer.py, on one thread and on two.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../multiply_add_peak.hpp"
#include "cases.hpp"
#include "libtorch.hpp"
#include "onnxruntime.hpp"
#include "training_peer.hpp"

namespace {

using namespace psad::peers;
using Clock = std::chrono::steady_clock;

double median(std::vector<double> x) {
    std::ranges::sort(x);
    return x[x.size() / 2];
}

/// Microseconds a call: as many calls as take about 4 ms.
template <class F>
double microseconds(F& f, int calls) {
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) f();
    return 1e6 * std::chrono::duration<double>(Clock::now() - start).count() / calls;
}
template <class F>
int calls_of(F& f) {
    for (int i = 0; i < 20; ++i) f();
    return std::clamp(static_cast<int>(4000 / (std::min)(microseconds(f, 5), microseconds(f, 5))), 1, 4000);
}

double largest_difference(std::span<const float> a, std::span<const float> b) {
    double out = a.size() == b.size() ? 0 : INFINITY;
    for (std::size_t i = 0; i < (std::min)(a.size(), b.size()); ++i)
        out = (std::max)(out, static_cast<double>(std::abs(a[i] - b[i])));
    return out;
}

nlohmann::json timed(Case& c, const std::filesystem::path& folder, const OnnxRuntime& onnx, int rounds) {
    const std::string stem = (folder / c.file).string();
    psad::model_file::TensorFile file = psad::model_file::read_safetensors(stem + ".inputs.safetensors");
    std::vector<Bound> inputs;
    std::vector<TorchModule::Input> arguments;
    const auto names = nlohmann::json::parse(std::ifstream(stem + ".inputs.json"));
    for (const auto& name : names.get<std::vector<std::string>>()) {
        psad::model_file::Tensor& t = *std::ranges::find(file.tensors, name, &psad::model_file::Tensor::name);
        inputs.push_back({name, reinterpret_cast<float*>(t.bytes.data()), t.shape});
        arguments.push_back({inputs.back().data, t.shape});
    }
    const auto wanted = c.tensors.values<float>("psad.scores");
    std::vector<float> found(wanted.size());
    const auto shape = nlohmann::json::parse(std::ifstream(stem + ".output.json")).get<std::vector<std::int64_t>>();
    OnnxRuntime::Session session = onnx.session(stem + ".onnx", inputs, {{"scores", found.data(), shape}});
    TorchModule torch(stem + ".pt", arguments);
    session.run();
    torch.run();
    const double difference = (std::max)(largest_difference(wanted, found), largest_difference(wanted, torch.scores()));

    float largest = 1;
    for (const float x : wanted) largest = (std::max)(largest, std::abs(x));
    if (!(difference <= 1e-5 * static_cast<double>(largest)))
        throw std::runtime_error(
            fmt::format("{}: found scores that differ by {:.1e}, wanted 1e-5 of the largest", c.name, difference));

    auto run_onnx = [&] { session.run(); };
    auto run_torch = [&] { torch.run(); };
    const int calls[] = {calls_of(c.run), calls_of(run_onnx), calls_of(run_torch)};
    std::vector<double> psad_times, onnx_times, torch_times, to_onnx, to_torch, peak_share;
    for (int r = 0; r < rounds; ++r) {
        psad_times.push_back(microseconds(c.run, calls[0]));
        onnx_times.push_back(microseconds(run_onnx, calls[1]));
        torch_times.push_back(microseconds(run_torch, calls[2]));
        peak_share.push_back(c.flops / (psad_times.back() * 1e-6) / psad::benchmarks::multiply_add_peak(4));
        to_onnx.push_back(onnx_times.back() / psad_times.back());
        to_torch.push_back(torch_times.back() / psad_times.back());
    }
    nlohmann::json out{{"name", c.name},
                       {"psad_us", median(psad_times)},
                       {"onnxruntime_us", median(onnx_times)},
                       {"libtorch_us", median(torch_times)},
                       {"vs_onnxruntime", median(to_onnx)},
                       {"vs_libtorch", median(to_torch)},
                       {"max_abs_score_difference", difference}};
    if (c.flops > 0) out["peak_share"] = median(peak_share);
    fmt::print("{:<36} {:>9.2f} {:>9.2f} {:>9.2f} {:>7.2f} {:>7.2f} {:>6} {:.1e}\n", c.name, median(psad_times),
               median(onnx_times), median(torch_times), median(to_onnx), median(to_torch),
               c.flops > 0 ? fmt::format("{:.0f} %", 100 * median(peak_share)) : "", difference);
    std::fflush(stdout);
    return out;
}

nlohmann::json timed_training(const std::filesystem::path& folder, const std::string& python, const std::string& script,
                              int threads) {
    TrainingPeer peer(python, script, folder.string(), threads);
    if (!(peer.difference() <= 1e-4))
        throw std::runtime_error(
            fmt::format("training: found losses that differ by {:.1e}, wanted 1e-4", peer.difference()));
    TrainingState training;
    std::vector<double> psad_times, pytorch_times, ratios;
    for (int r = 0; r < 7; ++r) {
        psad_times.push_back(1000 * training_lists / training(training_steps, threads).lists_per_second);
        pytorch_times.push_back(peer.milliseconds(5));
        ratios.push_back(pytorch_times.back() / psad_times.back());
    }
    const std::string name = fmt::format("training batch={} threads={}", training_lists, threads);
    fmt::print("{:<36} {:>9.1f} ms    PyTorch {:>9.1f} ms {:>14.2f}        {:.1e}\n", name, median(psad_times),
               median(pytorch_times), median(ratios), peer.difference());
    return {{"name", name},
            {"psad_us", 1000 * median(psad_times)},
            {"pytorch_us", 1000 * median(pytorch_times)},
            {"vs_pytorch", median(ratios)},
            {"max_relative_loss_difference", peer.difference()}};
}

int run(const std::vector<std::string>& arguments) {
    if (arguments.size() == 2 && arguments[0] == "write") {
        std::filesystem::create_directories(arguments[1]);
        for (const Case& c : cases())
            psad::model_file::write_safetensors(std::filesystem::path(arguments[1]) / (c.file + ".safetensors"),
                                                c.tensors);
        psad::model_file::write_safetensors(std::filesystem::path(arguments[1]) / "training.safetensors",
                                            training_tensors());
        return 0;
    }
    if (arguments.size() == 5 && arguments[0] == "train") {
        nlohmann::json out;
        for (const int threads : {1, 2})
            out["cases"].push_back(timed_training(arguments[1], arguments[2], arguments[3], threads));
        std::ofstream(arguments[4]) << out.dump(1) << "\n";
        return 0;
    }
    if (arguments.size() == 4 && arguments[0] == "time") {
        const OnnxRuntime onnx(arguments[2]);
        nlohmann::json out{{"onnxruntime", onnx.version()}, {"libtorch", TorchModule::version()}};
        fmt::print(
            "one thread, microseconds; ONNX Runtime {}, LibTorch {}\n{:<36} {:>9} {:>9} {:>9} {:>7} {:>7} "
            "{:>6} {}\n",
            onnx.version(), TorchModule::version(), "", "psad", "ONNX", "LibTorch", "x ONNX", "x Torch", "peak",
            "difference");
        for (Case& c : cases()) out["cases"].push_back(timed(c, arguments[1], onnx, 41));
        std::ofstream(arguments[3]) << out.dump(1) << "\n";
        return 0;
    }
    fmt::print(stderr,
               "psad_peers: wanted write FOLDER, time FOLDER LIBRARY JSON or train FOLDER PYTHON SCRIPT JSON\n");
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run({argv + 1, argv + argc});
    } catch (const std::exception& e) {
        fmt::print(stderr, "psad_peers: {}\n", e.what());
        return 1;
    }
}
