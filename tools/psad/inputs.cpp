#include "inputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "notes.hpp"
#include "output.hpp"
#include "print_encoder.hpp"
#include "psad/core/atomic_folder.hpp"
#include "psad/core/rng.hpp"
#include "psad/data/encoding.hpp"
#include "psad/data/guess_schema.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/data/request_files.hpp"
#include "psad/model_file/data_schema_json.hpp"
#include "psad/model_file/model_file.hpp"
#include "psad/train/read_training.hpp"

namespace psad::cli {

namespace {

data::Paths paths(const Words& names) {
    return {names.begin(), names.end()};
}
data::InputFiles input_files(const Words& lists, const TableOptions& tables, const std::string& format) {
    return {paths(lists), paths(tables.items), paths(tables.users), paths(tables.events), format};
}

/// The first twenty, and how many more there are.
std::string joined(const std::set<std::string, std::less<>>& names) {
    constexpr std::size_t most = 20;
    std::string out;
    std::size_t count = 0;
    for (const std::string& n : names) {
        if (count++ == most) return out + fmt::format(" and {} more", names.size() - most);
        out += (out.empty() ? "" : ", ") + printable(n);
    }
    return out;
}

DataSchema read_schema(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in || std::filesystem::is_directory(file))
        throw DataError(file, "", "no file that can be read", "a schema, as psad schema writes it");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return model_file::parse_data_schema(text, file);
}

/// One line per group: what columns are read as.
void print_guess(const DataSchema& s) {
    print("schema guessed (psad schema prints it, --schema takes one):");
    const auto say = [](const char* what, const std::string& column) {
        if (!column.empty()) print(" {} = {}", what, printable(column));
    };
    say("request", s.id);
    say("user", s.user);
    say("time", s.time);
    say("item", s.item);
    say("grade", s.gain.grade);
    say("gain", s.gain.gain);
    for (const auto& [kind, worth] : s.gain.kinds) print(" {} worth {}", printable(kind), worth);
    say("weight", s.weight);
    const auto count = [](const char* what, const ColumnGroup& g) {
        if (!g.dense.empty() || !g.fields.empty())
            print("; {}: {} numbers, {} fields", what, g.dense.size(), g.fields.size());
    };
    count("user", s.of_user);
    count("context", s.of_context);
    count("candidate", s.of_candidate);
    count("item", s.of_item);
    count("event", s.of_event);
    if (!s.unread.empty()) print("; not read: {}", printable(fmt::format("{}", fmt::join(s.unread, ", "))));
    print("\n");
}

bool is_column_folder(const data::InputFiles& files) {
    for (const auto& path : files.lists) {
        if (files.lists.size() > 1 && data::is_column_folder(path))
            throw DataError(path.string(), "", "a folder of columns beside other files", "it alone");
    }
    return files.lists.size() == 1 && data::is_column_folder(files.lists[0]);
}

/// As a file says, as a folder of columns says, or guessed.
DataSchema schema_of(const data::InputFiles& files, const std::string& schema) {
    if (is_column_folder(files) && !schema.empty())
        throw SettingError("--schema", "", "a schema beside a folder of columns", "the folder alone: it has one");
    if (is_column_folder(files)) return data::ColumnFolder(files.lists[0]).data().schema;
    if (!schema.empty()) return read_schema(schema);
    const DataSchema guessed = data::guess_schema(files).schema;
    print_guess(guessed);
    return guessed;
}

/// A column that a guess or a schema may take for an input becomes that of another ranker's scores.
void take_teacher_scores(const std::string& column, bool is_folder, DataSchema& to) {
    if (to.teacher_score == column) return;  // which a schema has said
    if (is_folder)
        throw SettingError("--teacher-scores", "", "a folder of columns without " + printable(column),
                           "one converted by a schema with candidate.teacher_score");
    std::erase_if(to.of_candidate.dense, [&](const DenseFeature& f) { return f.name == column; });
    std::erase(to.unread, column);
    to.teacher_score = column;
    try {
        check_data_schema(to, "");
    } catch (const DataError& e) {
        throw SettingError("--teacher-scores", "", e.found(), e.wanted());
    }
}

/// A folder of columns holds its users and events.
void note_unused_tables(const Words& lists, const TableOptions& tables) {
    const auto is_folder = [](const std::string& path) { return data::is_column_folder(path); };
    if (!std::ranges::all_of(lists, is_folder) || (tables.users.empty() && tables.events.empty())) return;
    print_error(fmt::format("psad: note: {} holds its users and events: those of --users and --events are not used",
                            lists.front()));
}

/// One object may well hold a whole request of the name of another: a request that was sent again is counted twice.
void note_repeated(const data::ReadLists& read) {
    if (read.repeated > 0)
        print_error(fmt::format("psad: note: {} lists have the name of an earlier one: all are read", read.repeated));
}

/// What files have and are not asked for.
void note_unnamed(const std::set<std::string, std::less<>>& columns, const DataSchema& schema) {
    std::set<std::string, std::less<>> news = columns;
    for (const std::string& known : schema.unread) news.erase(known);
    if (!news.empty()) print_error(fmt::format("psad: note: the schema does not name {}: not read", joined(news)));
}

/// What tables have and are not asked for.
void note_unread(const data::InputFiles& files, std::set<std::string, std::less<>> of_items,
                 const data::SideTables& tables, const DataSchema& schema) {
    const auto say = [&](const data::Paths& paths, std::set<std::string, std::less<>> columns) {
        for (const std::string& known : schema.unread) columns.erase(known);
        if (!columns.empty())
            print_error(fmt::format("psad: note: {}: the schema does not name {}: not read", paths.front().string(),
                                    joined(columns)));
    };
    say(files.items, std::move(of_items));
    say(files.users, tables.unread_of_users);
    say(files.events, tables.unread_of_events);
}

void note_lacking(const data::ReadLists& read) {
    const auto say = [](const std::map<std::string, std::string>& lacking, const char* what) {
        std::map<std::string_view, std::set<std::string, std::less<>>> by_file;
        for (const auto& [column, file] : lacking) by_file[file].insert(column);
        for (const auto& [file, columns] : by_file)
            print_error(fmt::format("psad: note: {} has no column {}, which other files have: {}", file,
                                    joined(columns), what));
    };
    say(read.lacking_feedback, "as a label it counts as 0");
    say(read.lacking, "its values count as missing");
}

/// Columns that nobody reads, and training lists did not have there.
std::set<std::string, std::less<>> new_columns(const data::ReadLists& read, const DataSchema& of_training) {
    std::set<std::string, std::less<>> out = read.unread;
    for (const std::string& column : of_training.unread) out.erase(column);
    return out;
}
void note_new_columns(const char* lists, std::set<std::string, std::less<>> columns, const DataSchema& of_training) {
    std::set<std::string, std::less<>> elsewhere;
    for (const std::string& column : read_columns(of_training)) {
        if (columns.erase(column) > 0) elsewhere.insert(column);
    }
    if (!elsewhere.empty())
        print_error(fmt::format("psad: note: {} have {}, which the model reads elsewhere: not read there", lists,
                                joined(elsewhere)));
    if (!columns.empty())
        print_error(
            fmt::format("psad: note: {} have {}, which no training list had: not read", lists, joined(columns)));
}

void must_have_labels(const DataSchema& s, const std::string& source) {
    if (s.gain.grade.empty() && s.gain.gain.empty() && s.gain.kinds.empty())
        throw DataError(source, "label", "no column of grades, gains or feedback",
                        "one: psad schema writes a schema in which it can be named");
}

std::int64_t time_of(const char* flag, const std::string& text) {
    std::int64_t seconds = 0;
    if (!data::parse_time(text, seconds)) throw SettingError(flag, "", in_quotes(text), data::wanted_time);
    return seconds;
}

/// Lists from --valid-from on become validation lists.
void split_by_time(TrainingLists& lists, const TrainOptions& o) {
    if (std::ranges::none_of(lists.train, [](const Request& r) { return r.time != 0; }))
        throw SettingError("--valid-from", "", "requests without times", "a column of times: see --schema");
    const std::int64_t valid_from = time_of("--valid-from", o.valid_from);
    const auto is_later = [&](const Request& r) { return r.time >= valid_from; };
    std::ranges::copy_if(lists.train, std::back_inserter(lists.valid), is_later);
    std::erase_if(lists.train, is_later);
    const auto must_have = [&](const std::vector<Request>& some, const char* what) {
        if (some.empty())
            throw SettingError("--valid-from", "", std::string("no list ") + what, "some before and after");
    };
    must_have(lists.train, "before it");
    must_have(lists.valid, o.test_from.empty() ? "from it on" : "between it and --test-from");
}

/// A random tenth of the training lists, or the latest tenth where lists have times, becomes a validation list.
void hold_back(TrainingLists& lists, std::uint64_t seed) {
    const std::size_t n = lists.train.size(), count = (n + 9) / 10;
    if (n == 1)
        throw DataError(lists.name, "training lists", "1", "2 or more, or --valid: some are held back for validation");
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const bool timed = std::ranges::any_of(lists.train, [](const Request& r) { return r.time != 0; });
    if (timed)
        std::ranges::stable_sort(order, {}, [&](std::size_t i) { return lists.train[i].time; });
    else
        rng::shuffle(order, rng::derive(seed, 0x4e1d));
    std::vector<char> held(n, 0);
    for (std::size_t i = n - count; i < n; ++i) held[order[i]] = 1;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (held[i])
            lists.valid.push_back(lists.train[i]);
        else
            lists.train[kept++] = lists.train[i];
    }
    lists.train.resize(kept);
    print("no validation lists are given: {} {} of {} training lists are held back for that\n",
          timed ? "the latest" : "a random", count, n);
}

TrainingInputs read_folder(const TrainOptions& o) {
    const auto dataset = std::make_shared<const data::Dataset>(data::read_lists(o.data));
    return {{dataset->meta.name, data::schema_of(*dataset), data::catalog_of(*dataset),
             data::requests_of(*dataset, dataset->train), data::requests_of(*dataset, dataset->valid)},
            std::nullopt,
            dataset};
}

TrainingInputs read_files(const TrainOptions& o) {
    const data::InputFiles files = input_files(o.train, o.tables, o.format);
    DataSchema schema = schema_of(files, o.schema);
    if (!o.teacher_scores.empty()) take_teacher_scores(o.teacher_scores, is_column_folder(files), schema);
    must_have_labels(schema, o.schema.empty() ? o.train.front() : o.schema);
    std::optional<std::int64_t> test_from;
    if (!o.test_from.empty()) test_from = time_of("--test-from", o.test_from);
    const auto read =
        std::make_shared<train::ReadTraining>(train::read_training(files, paths(o.valid), schema, test_from));
    TrainingInputs out{std::move(read->lists), read->names, read};

    note_unread(files, read->unread_of_items, *read->tables, read->names.schema);
    if (read->train->left_out > 0) print("{} lists from {} on are left out\n", read->train->left_out, o.test_from);
    note_lacking(*read->train);
    note_repeated(*read->train);
    print_joins(read->train->joins, *read->tables, o.tables, true);
    note_unnamed(read->train->unread, schema);
    Words all = o.train;
    all.insert(all.end(), o.valid.begin(), o.valid.end());
    note_unused_tables(all, o.tables);
    if (read->valid == nullptr) {
        if (o.valid_from.empty())
            hold_back(out.lists, o.settings.seed);
        else
            split_by_time(out.lists, o);
        return out;
    }
    if (!read->valid->missing.empty())
        print_error(fmt::format("psad: note: validation lists have no column {}: its values count as missing",
                                joined(read->valid->missing)));
    note_lacking(*read->valid);
    note_contradictions(read->valid->joins);
    note_new_columns("validation lists", new_columns(*read->valid, read->names.schema), read->names.schema);
    return out;
}

/// The requests from a time on.
std::vector<std::size_t> from_time(const data::Source& source, const std::string& text) {
    bool has_times = false;
    for (const Request& r : source) has_times |= r.time != 0;
    if (!text.empty() && !has_times)
        throw SettingError("--test-from", "", "requests without times", "a column of times");
    const std::int64_t from = text.empty() ? -max_time : time_of("--test-from", text);
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (source[i].time >= from) out.push_back(i);
    }
    return out;
}

/// The columns to judge by that the options name, or the kinds of feedback that the gain is made of: if it is but one,
/// that is the gain itself.
std::vector<data::LabelColumn> label_columns(const Words& named, bool is_folder, const DataSchema& schema) {
    if (is_folder && !named.empty())
        throw SettingError("--labels", "", "a folder of columns", "files: a folder has the gain alone");
    std::vector<data::LabelColumn> out;
    std::set<std::string_view> seen;
    for (const std::string& column : named) {
        if (!seen.insert(column).second)
            throw SettingError("--labels", "", printable(column) + " twice", "each column once");
        out.push_back({column});
    }
    const auto& kinds = schema.gain.kinds;
    if (!named.empty() || is_folder || kinds.size() == 1) return out;
    for (const auto& [kind, worth] : kinds) out.push_back({kind});
    return out;
}

/// Of the columns to judge by those that some file has. Throws DataError where --labels named one that none has.
std::vector<data::LabelColumn> present(data::ReadLists& read, const Words& named, const std::string& file) {
    std::vector<data::LabelColumn> out;
    std::set<std::string, std::less<>> missing;
    for (data::LabelColumn& label : read.labels) {
        if (read.missing_labels.contains(label.name))
            missing.insert(label.name);
        else
            out.push_back(std::move(label));
    }
    if (!missing.empty() && !named.empty())
        throw DataError(file, "", "no column " + joined(missing) + " of candidates", "it, as --labels says");
    if (!missing.empty())
        print_error(fmt::format("psad: note: the lists have no column {}: nothing is judged by it", joined(missing)));
    return out;
}

}  // namespace

TrainingInputs read_training(const TrainOptions& o) {
    return o.data.empty() ? read_files(o) : read_folder(o);
}

TestInputs read_test(const TestOptions& o, const model_file::TensorFile& file, const std::optional<Words>& labels) {
    const Encoder encoder = model_file::read_encoder(file);
    std::optional<NamedData> names = model_file::read_named_data(file, encoder.schema(), encoder.catalog());
    if (!o.data.empty()) {
        if (names) throw SettingError("--data", "", "a folder of numbered ids, and a model of names", "--test");
        const auto dataset = std::make_shared<const data::Dataset>(data::read_lists(o.data));
        data::check_same_ids(encoder, *dataset);
        TestInputs out;
        out.name = dataset->meta.name;
        out.schema = encoder.schema();
        out.catalog = data::catalog_of(*dataset);
        out.lists = data::requests_of(*dataset, dataset->split(o.split));
        out.valid = data::requests_of(*dataset, dataset->valid);
        out.owner = dataset;
        for (std::size_t i = 0; i < out.lists.size(); ++i) out.ids.push_back(std::to_string(i));
        return out;
    }
    TestInputs out;
    out.names = std::move(names);
    if (!out.names)
        throw ModelFileError(file.source, "", "a model of numbered ids", "one that was trained on files, or --data");
    out.name = o.test.front();
    out.schema = encoder.schema();
    const data::InputFiles files = input_files(o.test, o.tables, o.format);
    data::Names items(*out.names, data::Learn::items);
    data::read_items(files.items, items);
    if (is_column_folder(files)) data::ColumnFolder(files.lists[0]).add_table_items(items);
    const auto tables = data::read_side_tables(files, items);
    if (o.strict) must_know_names(items);
    out.catalog = items.catalog(encoder.catalog());
    data::Names known(*out.names, out.catalog);
    auto read = std::make_shared<data::ReadLists>(
        data::read_requests(files.lists, o.format, known, tables, std::nullopt,
                            labels ? label_columns(*labels, is_column_folder(files), out.names->schema)
                                   : std::vector<data::LabelColumn>()));
    if (o.strict && read->joins.contradictions > 0)
        throw DataError(out.name, "", "items that differ from what is known of them", "the same, as --strict asks");
    note_repeated(*read);
    print_joins(read->joins, *tables, o.tables, false);
    note_unused_tables(o.test, o.tables);
    data::must_have_some_label(*read, out.names->schema, out.name);
    const auto news = new_columns(*read, out.names->schema);
    if (o.strict && !read->lacking.empty())
        throw DataError(read->lacking.begin()->second, "", "no column " + printable(read->lacking.begin()->first),
                        "it, as in training");
    note_lacking(*read);
    if (!read->missing.empty()) {
        if (o.strict) throw DataError(out.name, "", "no column " + joined(read->missing), "it, as in training");
        print_error(
            fmt::format("psad: note: the lists have no column {}: its values count as missing", joined(read->missing)));
    }
    if (o.strict && !news.empty())
        throw DataError(out.name, "", "the unknown column " + joined(news), "those of training");
    note_new_columns("the lists", news, out.names->schema);
    if (o.strict) must_know_names(known);
    read->source.check([&](const Request& r) {
        check_request(encoder.schema(), out.catalog, r, rules(o.strict),
                      static_cast<std::size_t>(encoder.max_history()));
        train::check_feedback(r);
    });
    if (labels) out.labels = present(*read, *labels, out.name);
    std::vector<std::size_t> candidates{0};  // before each list
    for (const Request& r : read->source) candidates.push_back(candidates.back() + r.size());
    const std::vector<std::size_t> tested = from_time(read->source, o.test_from);
    for (const std::size_t i : tested) {
        out.first_candidates.push_back(candidates[i]);
        out.ids.emplace_back(read->source.id(i));
    }
    out.lists = read->source.take_requests();
    for (std::size_t l = 0; l < tested.size(); ++l) out.lists[l] = out.lists[tested[l]];
    out.lists.resize(tested.size());
    out.owner = read;
    return out;
}

void convert(const ConvertOptions& o) {
    { const AtomicFolder probe(o.out); }  // before the work: it may not be possible
    const data::InputFiles files = input_files(o.lists, o.tables, o.format);
    if (is_column_folder(files)) throw SettingError("convert", "", "a folder of columns", "files of requests");
    NamedData named;
    named.schema = schema_of(files, o.schema);
    named.schema.absent_is_zero |= data::leaves_out_zeros(files);
    named.ids = NamedIds(named.schema);
    data::Names names(named, data::Learn::all);
    const auto unread_of_items = data::read_items(files.items, names);
    const std::size_t table_items = named.ids.items.size();
    const auto tables = data::read_side_tables(files, names);
    note_unread(files, unread_of_items, *tables, named.schema);
    const data::ReadLists read = data::read_requests(files.lists, o.format, names, tables);
    if (!read.missing.empty())
        print_error(fmt::format("psad: note: no column {}: its values count as missing", joined(read.missing)));
    note_lacking(read);
    print_joins(read.joins, *tables, o.tables, true);
    note_unnamed(read.unread, named.schema);
    data::add_unread(read, named.schema, o.lists.front());
    if (read.source.size() == 0) throw DataError(o.lists.front(), "", "no requests", "at least one");
    const Catalog catalog = names.catalog();
    const Schema schema = request_schema(named);
    read.source.check(
        [&](const Request& r) { check_request(schema, catalog, r, {.take_missing_columns = true}, no_events); });
    data::write_column_folder(o.out, named, catalog, table_items, read.source,
                              tables->events ? &*tables->events : nullptr);
    print("wrote {} requests and {} items to {}\n", read.source.size(), catalog.items, o.out);
}

void print_schema(const SchemaOptions& o) {
    data::GuessedSchema guess = data::guess_schema(input_files(o.lists, o.tables, o.format));
    print_error(fmt::format("{:<12} {:<24} {:<34} {:>9} {:>9} {:>9}  {}", "of", "column", "read as", "values",
                            "missing", "distinct", "what it holds"));
    for (data::GuessedColumn& c : guess.columns) {
        data::ColumnSurvey& s = c.survey;
        std::string holds;
        if (s.is_numeric()) {
            DenseTransforms transform;
            s.sample.fit_transform(transform);
            holds = fmt::format("{:.5g} to {:.5g}", s.smallest, s.largest);
            if (c.use.ends_with(".dense")) holds += "; " + text(transform, 0);
        } else {
            for (std::size_t v = 0; v < (std::min)(s.distinct.size(), std::size_t{3}); ++v) {
                holds += (v > 0 ? ", " : "") + printable(s.distinct.name(static_cast<std::int32_t>(v)), 20);
            }
            if (s.distinct.size() > 3) holds += ", ...";
        }
        const double all = static_cast<double>(s.values + s.missing);
        print_error(fmt::format("{:<12} {:<24} {:<34} {:>9} {:>7.1f} % {:>9}  {}", printable(c.of, 12),
                                printable(s.name, 24), c.use, s.values,
                                all > 0 ? 100 * static_cast<double>(s.missing) / all : 0,
                                s.distinct.size() > 0 ? std::to_string(s.distinct.size()) : "", holds));
    }
    const std::string json = model_file::to_json(guess.schema).dump(2) + "\n";
    if (o.out.empty()) {
        print("{}", json);
        return;
    }
    write_text(o.out, json);
}

}  // namespace psad::cli
