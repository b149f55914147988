// The numbers that models read, as a table for other tools: one line per candidate, with its list, its label
// and every dense column of the encoder (ids are left out: they mean nothing as numbers).
//   model-inputs DATA_FOLDER train|valid|test > inputs.tsv
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "psad/data/encoding.hpp"
#include "psad/data/read_lists.hpp"

namespace {

void header(std::ostream& out, const psad::InputSizes& sizes) {
    const auto columns = [&](const char* name, int count) {
        for (int c = 0; c < count; ++c) out << '\t' << name << c;
    };
    out << "list\tlabel";
    columns("profile", sizes.profile_columns);
    columns("dense", sizes.item_columns);
    columns("deviation", sizes.scaled_columns);
    columns("match", sizes.match_columns);
    out << "\trank\tmatch_feedback\tmatch_bucket\tmatch_index\n";
}

void rows(std::ostream& out, std::size_t list, const psad::Request& r, const psad::Batch<float>& b) {
    const auto columns = [&](const psad::FeatureTable<float>& of, std::size_t row) {
        const auto width = static_cast<std::size_t>(of.columns);
        for (std::size_t c = 0; c < width; ++c) out << '\t' << of.numbers[row * width + c];
    };
    for (std::size_t i = 0; i < r.size(); ++i) {
        out << list << '\t' << static_cast<int>(r.labels[i]);
        columns(b.profile_dense, 0);
        columns(b.dense, i);
        const auto width = static_cast<std::size_t>(b.dense.columns);
        for (std::size_t c = 0; c < static_cast<std::size_t>(b.list_scale.columns); ++c)
            out << '\t' << b.dense.numbers[i * width + c] * b.list_scale.numbers[c] + b.list_shift.numbers[c];
        columns(b.match_dense, i);
        out << '\t' << b.rank[i] << '\t' << b.match_feedback[i] << '\t' << b.match_bucket[i] << '\t' << b.match_index[i]
            << '\n';
    }
}

int run(const std::string& folder, const std::string& split) {
    const auto dataset = psad::data::read_lists(folder);
    const auto encoder = psad::data::fit_encoder(dataset);  // on the training lists, whatever the split
    const auto& wanted = split == "train" ? dataset.train : split == "valid" ? dataset.valid : dataset.test;
    const std::vector<psad::Request> lists = psad::data::requests_of(dataset, wanted);
    header(std::cout, encoder.input_sizes());
    psad::Batch<float> batch;
    for (std::size_t l = 0; l < lists.size(); ++l) {
        encoder.encode(std::span(&lists[l], 1), static_cast<int>(lists[l].size()), batch);
        rows(std::cout, l, lists[l], batch);
    }
    return std::cout.flush() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> splits{"train", "valid", "test"};
    if (argc != 3 || std::find(splits.begin(), splits.end(), argv[2]) == splits.end()) {
        std::cerr << "usage: model-inputs DATA_FOLDER train|valid|test\n";
        return 2;
    }
    try {
        return run(argv[1], argv[2]);
    } catch (const std::exception& e) {
        std::cerr << "model-inputs: " << e.what() << '\n';
        return 1;
    }
}
