// How fast files of requests are read, from bytes in the page cache to checked requests; without the guess of a schema.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "psad/core/rng.hpp"
#include "psad/data/guess_schema.hpp"
#include "psad/data/request_files.hpp"
#include "psad/features/check_request.hpp"

namespace {

using namespace psad;

constexpr int lists = 4000, candidates = 30, features = 12, letor_features = 46;

/// The files, written once, gone with the program.
class Files {
  public:
    Files() : folder_(std::filesystem::temp_directory_path() / ("psad-reading-" + std::to_string(::getpid()))) {
        std::filesystem::create_directory(folder_);
        rng::Stream random(1);
        const auto number = [&] { return std::to_string(100 * random.uniform()); };
        std::ofstream json(folder_ / "r.jsonl"), csv(folder_ / "r.csv"), letor(folder_ / "r.letor");
        csv << "request_id,ts,device,sku,label";
        for (int f = 0; f < features; ++f) csv << ",f" << f;
        csv << '\n';
        for (int l = 0; l < lists; ++l) {
            const std::string id = "req-" + std::to_string(l), time = std::to_string(1'700'000'000 + l);
            json << "{\"request_id\":\"" << id << "\",\"ts\":" << time << ",\"device\":\"app\",\"candidates\":[";
            for (int c = 0; c < candidates; ++c) {
                const std::string sku = "sku-" + std::to_string(97 * l % 1000 + c), label = std::to_string((l + c) % 3);
                json << (c > 0 ? "," : "") << "{\"sku\":\"" << sku << "\",\"label\":" << label;
                csv << id << ',' << time << ",app," << sku << ',' << label;
                for (int f = 0; f < features; ++f) {
                    const std::string x = number();
                    json << ",\"f" << f << "\":" << x;
                    csv << ',' << x;
                }
                json << '}';
                csv << '\n';
                letor << label << " qid:" << l;
                for (int f = 1; f <= letor_features; ++f) letor << ' ' << f << ':' << number();
                letor << '\n';
            }
            json << "]}\n";
        }
    }
    ~Files() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

  private:
    std::filesystem::path folder_;
};

const Files& files() {
    static const Files all;
    return all;
}

void read(benchmark::State& state, const std::filesystem::path& file, const DataSchema& schema, std::uintmax_t bytes) {
    for (auto _ : state) {
        NamedData named{schema, NamedIds(schema)};
        data::Names names(named, data::Learn::all);
        const auto tables = data::read_side_tables({}, names);
        const data::ReadLists found = data::read_requests({file}, {}, names, tables);
        const Schema wanted = request_schema(named);
        const Catalog catalog = names.catalog();
        found.source.check([&](const Request& r) { check_request(wanted, catalog, r); });
        benchmark::DoNotOptimize(found.source.size());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void text(benchmark::State& state, const char* name) {
    const auto file = files() / name;
    read(state, file, data::guess_schema({.lists = {file}}).schema, std::filesystem::file_size(file));
}
BENCHMARK_CAPTURE(text, json_lines, "r.jsonl")->Name("reading/json_lines")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(text, csv, "r.csv")->Name("reading/csv")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(text, letor, "r.letor")->Name("reading/letor")->Unit(benchmark::kMillisecond);

void columns(benchmark::State& state) {
    const auto file = files() / "r.jsonl", folder = files() / "columns";
    const DataSchema schema = data::guess_schema({.lists = {file}}).schema;
    if (!std::filesystem::exists(folder)) {
        NamedData named{schema, NamedIds(schema)};
        data::Names names(named, data::Learn::all);
        const auto tables = data::read_side_tables({}, names);
        const data::ReadLists found = data::read_requests({file}, {}, names, tables);
        data::write_column_folder(folder, named, names.catalog(), 0, found.source, nullptr);
    }
    read(state, folder, schema, std::filesystem::file_size(folder / "columns.safetensors"));
}
BENCHMARK(columns)->Name("reading/folder_of_columns")->Unit(benchmark::kMillisecond);

}  // namespace
