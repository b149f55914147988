// A server that is compiled without exceptions and without run-time types: errors are values.
//   without_exceptions MODEL [NEXT_MODEL...]   answers lines of candidates' ids, such as "3 1 2"
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <psad/serve.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "to be compiled with -fno-exceptions -fno-rtti"
#endif

using Network = psad::StudentOf<psad::Psad<>>;

int main(int argc, char** argv) {
    if (argc < 2) return std::fputs("usage: without_exceptions MODEL [NEXT_MODEL...]\n", stderr), 2;
    auto model = psad::model_file::try_load<Network>(std::filesystem::path(argv[1]));
    if (!model) return std::fprintf(stderr, "without_exceptions: %s\n", model.error().what()), 1;
    psad::serve::LiveModel<Network> live(std::move(*model), {.take_missing_columns = true});
    // A file that cannot take its place changes nothing.
    for (int next = 2; next < argc; ++next) {
        const auto fault = live.try_load(argv[next]);
        std::printf("%s\n", fault ? fault->what() : "loaded");
    }

    auto reader = live.reader();  // one per thread
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::vector<std::int32_t> items;
        for (std::int32_t item = 0; words >> item;) items.push_back(item);
        if (!words.eof()) {
            std::printf("request: found \"%s\", wanted ids of candidates\n", line.c_str());
            continue;
        }
        const psad::Schema& schema = reader.now().model.encoder.schema();
        const std::vector<std::int32_t> user(schema.user_fields.size()), context(schema.context_fields.size());
        const auto answer = reader.try_rerank({.user_fields = user, .context = context, .items = items});
        if (!answer) {
            std::printf("%s\n", answer.error().what());
            continue;
        }
        for (const int position : answer->order) std::printf("%d ", items[static_cast<std::size_t>(position)]);
        std::printf("\n");
    }
    return 0;
}
