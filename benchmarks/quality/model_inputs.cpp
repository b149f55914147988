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

void header(std::ostream& out) {
    out << "list\tlabel";
    for (int c = 0; c < psad::profile_width; ++c) out << "\tprofile" << c;
    for (int c = 0; c < psad::dense_width; ++c) out << "\tdense" << c;
    for (int c = 0; c < psad::match_width; ++c) out << "\tmatch" << c;
    out << "\trank\tmatch_feedback\tmatch_bucket\tmatch_index\n";
}

void rows(std::ostream& out, std::size_t list, const psad::Request& r, const psad::Batch<float>& b) {
    const auto columns = [&](const std::vector<float>& of, std::size_t row, std::size_t width) {
        for (std::size_t c = 0; c < width; ++c) out << '\t' << of[row * width + c];
    };
    for (std::size_t i = 0; i < r.size(); ++i) {
        out << list << '\t' << static_cast<int>(r.labels[i]);
        columns(b.profile, 0, psad::profile_width);
        columns(b.dense, i, psad::dense_width);
        columns(b.match_dense, i, psad::match_width);
        out << '\t' << b.rank[i] << '\t' << b.match_feedback[i] << '\t' << b.match_bucket[i] << '\t' << b.match_index[i]
            << '\n';
    }
}

int run(const std::string& folder, const std::string& split) {
    const auto dataset = psad::data::read_lists(folder);
    const auto encoder = psad::data::fit_encoder(dataset);  // on the training lists, whatever the split
    const auto& wanted = split == "train" ? dataset.train : split == "valid" ? dataset.valid : dataset.test;
    const std::vector<psad::Request> lists = psad::data::requests_of(dataset, wanted);
    header(std::cout);
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
