// psad encode: what a model reads of each candidate, as NumPy arrays for other tools.
#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "inputs.hpp"
#include "output.hpp"
#include "psad/core/atomic_folder.hpp"
#include "psad/features/encoder.hpp"
#include "psad/model_file/model_file.hpp"

namespace psad::cli {

namespace {

static_assert(std::endian::native == std::endian::little, "psad: NumPy files are written on little-endian machines");

/// Writes an array of the NumPy format 1.0, row after row.
class NpyFile {
  public:
    /// `type` as NumPy names it, such as "<f4".
    NpyFile(const std::filesystem::path& path, std::string_view type, std::size_t rows, std::size_t columns = 0)
        : file_(path) {
        const std::string shape = columns > 0 ? fmt::format("({}, {})", rows, columns) : fmt::format("({},)", rows);
        std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", type, shape);
        constexpr std::size_t preamble = 10, alignment = 64;
        header.resize((preamble + header.size() + alignment) / alignment * alignment - preamble, ' ');
        header.back() = '\n';
        const std::string begin{'\x93',
                                'N',
                                'U',
                                'M',
                                'P',
                                'Y',
                                '\1',
                                '\0',
                                static_cast<char>(header.size() % 256),
                                static_cast<char>(header.size() / 256)};
        file_.write(begin.data(), begin.size());
        file_.write(header.data(), header.size());
    }
    template <class T>
    void write(std::span<const T> numbers) {
        file_.write(numbers.data(), numbers.size_bytes());
    }
    void commit() { file_.commit(); }

  private:
    AtomicFile file_;
};

/// Columns of the encoder that are numbers, and those that are rows of an embedding table (0 = unknown), of which the
/// first value of each candidate is written. Item ids are left out: as numbers they mean nothing.
struct InputNames {
    std::vector<std::string> numbers, fields;

    InputNames(const Schema& schema, const InputSizes& sizes) {
        const auto add = [&](const char* name, int count) {
            for (int c = 0; c < count; ++c) numbers.push_back(fmt::format("{}.{}", name, c));
        };
        add("profile", sizes.profile_columns);
        add("dense", sizes.item_columns);
        add("deviation", sizes.scaled_columns);
        add("match", sizes.match_columns);
        for (const char* name : {"rank", "match_feedback", "match_bucket", "match_index"}) numbers.emplace_back(name);
        const auto add_fields = [&](const char* of, const std::vector<FieldSchema>& some) {
            for (const FieldSchema& f : some) fields.push_back(fmt::format("{}.{}", of, f.name));
        };
        add_fields("user", schema.user_fields);
        add_fields("context", schema.context_fields);
        add_fields("item", schema.item_fields);
        add_fields("candidate", schema.candidate_fields);
    }
};

/// Appends the columns of InputNames, candidate by candidate.
void append_rows(const Batch<float>& b, std::vector<float>& to) {
    const auto add = [&](const FeatureTable<float>& of, std::size_t row) {
        const auto width = static_cast<std::size_t>(of.columns);
        to.insert(to.end(), of.numbers.data() + row * width, of.numbers.data() + (row + 1) * width);
    };
    const auto first = [](const BagStorage& bag, std::size_t row) {
        const int begin = bag.offsets[row];
        return static_cast<float>(begin < bag.offsets[row + 1] ? bag.ids[static_cast<std::size_t>(begin)] : 0);
    };
    const auto width = static_cast<std::size_t>(b.dense.columns);
    for (std::size_t i = 0; i < b.rank.size(); ++i) {
        add(b.profile_dense, 0);
        add(b.dense, i);
        for (std::size_t c = 0; c < b.list_scale.numbers.size(); ++c)
            to.push_back(b.dense.numbers[i * width + c] * b.list_scale.numbers[c] + b.list_shift.numbers[c]);
        add(b.match_dense, i);
        for (const int x : {b.rank[i], b.match_feedback[i], b.match_bucket[i], b.match_index[i]})
            to.push_back(static_cast<float>(x));
        for (const BagStorage& field : b.profile_fields.fields) to.push_back(first(field, 0));
        for (std::size_t f = 1; f < b.item_fields.fields.size(); ++f) to.push_back(first(b.item_fields.fields[f], i));
    }
}

}  // namespace

void encode(const EncodeOptions& o) {
    AtomicFolder folder(o.out);  // before the work: it may not be possible
    const model_file::TensorFile file = model_file::read_model_file(o.model);
    const TestInputs in = read_test(o, file);
    if (in.lists.empty()) throw DataError(in.name, "", "no lists", "at least one");
    const Encoder encoder = model_file::read_encoder(file).with_catalog(in.catalog);
    const InputNames names(encoder.schema(), encoder.input_sizes());
    std::vector<std::int64_t> offsets{0};
    for (const Request& r : in.lists) offsets.push_back(offsets.back() + static_cast<std::int64_t>(r.size()));
    const auto candidates = static_cast<std::size_t>(offsets.back());
    const std::size_t columns = names.numbers.size() + names.fields.size();

    NpyFile inputs(folder.path() / "inputs.npy", "<f4", candidates, columns);
    NpyFile gains(folder.path() / "gain.npy", "<f4", candidates);
    Batch<float> batch;
    std::vector<float> rows, of_list;
    for (const Request& r : in.lists) {
        rows.clear(), of_list.clear();
        encoder.check_one_of_many(r, rules(o.strict));
        encoder.encode(std::span(&r, 1), static_cast<int>(r.size()), batch);
        append_rows(batch, rows);
        for (std::size_t i = 0; i < r.size(); ++i) of_list.push_back(r.gain(i));
        inputs.write(std::span<const float>(rows));
        gains.write(std::span<const float>(of_list));
    }
    inputs.commit();
    gains.commit();
    NpyFile ends(folder.path() / "offsets.npy", "<i8", offsets.size());
    ends.write(std::span<const std::int64_t>(offsets));
    ends.commit();
    AtomicFile described(folder.path() / "columns.json");
    const std::string text =
        model_file::JsonValue::object("numbers", names.numbers, "fields", names.fields).dump(2) + "\n";
    described.write(text.data(), text.size());
    described.commit();
    folder.commit();
    print("wrote {} lists, {} candidates of {} columns, to {}\n", in.lists.size(), candidates, columns, o.out);
}

}  // namespace psad::cli
