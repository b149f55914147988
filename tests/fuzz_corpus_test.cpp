// The inputs that fuzzing kept, and a few changes of each, through every fuzz target (scripts/fuzz.sh runs them long).
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include "fuzz/files.hpp"
#include "fuzz/models.hpp"
#include "fuzz/requests.hpp"
#include "fuzz/texts.hpp"
#include "psad/core/rng.hpp"
#include "support/files.hpp"

using namespace psad;

namespace {

// The inputs of tests/fuzz/corpus/NAME.bin: each behind its length.
fuzz::Seeds kept(const char* name) {
    const std::string bytes = test::read_bytes(std::filesystem::path(PSAD_FUZZ_CORPUS) / (std::string(name) + ".bin"));
    fuzz::Seeds out;
    for (std::size_t at = 0; at + 4 <= bytes.size();) {
        std::uint32_t size = 0;
        std::memcpy(&size, bytes.data() + at, sizeof size);
        out.push_back(bytes.substr(at + 4, size));
        at += 4 + size;
    }
    return out;
}

// Bits flipped, a part cut out, doubled or overwritten.
std::string changed(std::string text, std::uint64_t key) {
    auto draw = [&, c = std::uint64_t{0}](std::size_t below) mutable {
        return static_cast<std::size_t>(rng::below(key, c++, static_cast<std::uint32_t>(below)));
    };
    if (text.empty()) return text;
    const std::size_t at = draw(text.size()), size = 1 + draw(8);
    switch (draw(4)) {
        case 0:
            text[at] = static_cast<char>(text[at] ^ (1 << draw(8)));
            break;
        case 1:
            text.erase(at, size);
            break;
        case 2:
            text.insert(at, text.substr(draw(text.size()), size));
            break;
        default:
            text[at] = static_cast<char>(draw(256));
    }
    return text;
}

void run(const char* name, void (*target)(std::string_view), const fuzz::Seeds& seeds) {
    fuzz::Seeds all = kept(name);
    CHECK(!all.empty());
    all.insert(all.end(), seeds.begin(), seeds.end());
    std::uint64_t key = 0;
    for (const std::string& input : all) {
        target(input);
        for (int change = 0; change < 3; ++change) target(changed(input, ++key));
    }
}

}  // namespace

#define PSAD_RUN(name)                                \
    TEST_CASE("fuzz corpus: " #name) {                \
        run(#name, fuzz::name, fuzz::name##_seeds()); \
    }
PSAD_RUN(texts)
PSAD_RUN(json)
PSAD_RUN(schemas)
PSAD_RUN(lines)
PSAD_RUN(structs)
PSAD_RUN(model_bytes)
PSAD_RUN(metadata)
PSAD_RUN(gzip_lines)
PSAD_RUN(request_files)
PSAD_RUN(lists_folders)
PSAD_RUN(arrays)
