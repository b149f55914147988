// Files of requests in every form, and folders.
#pragma once

#include <zlib.h>

#include "fuzz.hpp"
#include "psad/data/encoding.hpp"
#include "psad/data/guess_schema.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/features/fit_encoder.hpp"
#include "support/lists_folder.hpp"

namespace psad::fuzz {

inline std::string gzip_of(const std::string& text) {
    std::string out(text.size() + 100, '\0');
    z_stream z{};
    must(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib works");
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    must(deflate(&z, Z_FINISH) == Z_STREAM_END, "zlib works");
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

/// Plain files give their lines; damaged ones are never taken for short ones.
inline void gzip_lines(std::string_view bytes) {
    static const MemoryFile file;
    file.put(bytes);
    std::string all;
    try {
        data::GzipLines lines(file.path());
        for (std::string_view line; lines.next(line);) (all += line) += '\n';
    } catch (const DataError& e) {
        return must_be_a_line(e);
    }
    if (bytes.starts_with("\x1f\x8b")) return;
    std::string wanted(bytes.starts_with("\xef\xbb\xbf") ? bytes.substr(3) : bytes);
    if (!bytes.empty() && bytes.back() != '\n') wanted += '\n';
    must(all == wanted || (wanted.empty() && all == "\n"), "all lines of a plain file");
}
inline Seeds gzip_lines_seeds() {
    const std::string packed = gzip_of("a\tb\n1\t2\n");
    return {"a\nb\r\n\nc", "\xef\xbb\xbfx\n", packed, packed + packed, packed.substr(0, packed.size() - 4)};
}

/// Trains an encoder on what was read and reranks it.
inline void must_serve(Schema schema, Catalog catalog, std::span<const Request> requests) {
    for (const auto* fields : {&schema.user_fields, &schema.context_fields, &schema.item_fields,
                               &schema.candidate_fields, &schema.event_fields}) {
        if (fields->size() > 20) return;  // slow, and nothing new
    }
    const Model<Network> model(
        fit_encoder(std::move(schema), std::move(catalog), requests, {.max_history = 5, .min_count = 1}));
    static const Cpu cpu;
    const serve::Reranker reranker(cpu, model, {.take_missing_columns = true});
    serve::Workspace<Cpu> workspace;
    for (std::size_t l = 0; l < requests.size() && l < 3; ++l)
        must_be_an_answer(reranker(requests[l], workspace), requests[l].size(), requests[l].size());
}

/// The first byte chooses the format; the schema is guessed.
inline void request_files(std::string_view bytes) {
    static const MemoryFile file;
    static constexpr const char* formats[] = {"jsonl", "csv", "tsv", "letor"};
    if (bytes.empty()) return;
    file.put(bytes.substr(1));
    try {
        const data::InputFiles files{{file.path()}, {}, {}, {}, formats[static_cast<unsigned char>(bytes[0]) % 4]};
        NamedData named;
        named.schema = data::guess_schema(files).schema;
        named.ids = NamedIds(named.schema);
        data::Names names(named, data::Learn::all);
        const data::ReadLists read =
            data::read_requests(files.lists, files.format, names, data::read_side_tables(files, names), std::nullopt,
                                {{"label"}, {"click"}});
        std::size_t candidates = 0;
        for (const Request& r : read.source) candidates += r.size();
        for (const data::LabelColumn& label : read.labels)
            must(label.gains.size() == candidates, "a gain of each candidate");
        const Schema schema = request_schema(named);
        const Catalog catalog = names.catalog();
        std::vector<Request> requests;
        for (std::size_t i = 0; i < read.source.size() && i < 50; ++i) {
            check_request(schema, catalog, read.source[i], {.take_missing_columns = true});
            requests.push_back(read.source[i]);
        }
        if (IdMap::hash(bytes) % 8 == 0) must_serve(schema, catalog, requests);  // a model costs more than all else
    } catch (const Error& e) {
        must_be_a_line(e);
    }
}
inline Seeds request_files_seeds() {
    return {
        std::string("\0", 1) +
            R"({"request_id":"r1","user_id":"u","ts":1700000000,"device":"app","candidates":[{"sku":"a","price":1.5,"brand":["x","y"],"label":1},{"sku":"b","price":null,"brand":"x","label":0}],"history":[{"sku":"a","ts":1600000000,"type":"view"}]})"
            "\n"
            R"({"request_id":"r2","user_id":"v","ts":"2026-11-28T09:30:00Z","candidates":[{"sku":"c","price":2,"label":2}]})"
            "\n",
        std::string("\1") + "request_id,sku,price,label\nr1,a,1.5,1\nr1,\"b, c\",,0\nr2,a,2,0\n",
        std::string("\2") + "request_id\tsku\ttags\tlabel\nr1\ta\tx|y\t1\nr1\tb\t\t0\n",
        std::string("\3") + "2 qid:1 1:0.5 3:1\n0 qid:1 2:nan # doc\n1 qid:2 1:7\n"};
}

/// A folder of lists, its files one after the other.
inline void lists_folders(std::string_view bytes) {
    static const MemoryFolder folder;
    static constexpr const char* names[] = {"meta.tsv",          "users.tsv.gz",       "items.tsv.gz",
                                            "events.tsv.gz",     "lists_train.tsv.gz", "lists_valid.tsv.gz",
                                            "lists_test.tsv.gz", "shown_train.tsv.gz", "titles.tsv.gz"};
    folder.clear();
    const auto given = parts(bytes, '\xfe');
    for (std::size_t i = 0; i < given.size() && i < std::size(names); ++i) {
        if (!given[i].empty()) folder.put(names[i], given[i]);
    }
    try {
        const data::Dataset set = data::read_lists(folder.path());
        if (IdMap::hash(bytes) % 8 == 0)
            must_serve(data::schema_of(set), data::catalog_of(set), data::requests_of(set, set.train));
    } catch (const Error& e) {
        must_be_a_line(e);
    }
}
inline Seeds lists_folders_seeds() {
    const std::string head = test::ListsFolder::header;
    const std::string tables =
        "format\tpsad-lists-1\nname\ttiny\nusers\t3\nitems\t5\nuser_fields\tdevice,country\nuser_vocab\t3,4\nitem_"
        "fields\tgenres,"
        "year\nitem_vocab\t6,3\nctx_fields\tweekday\nctx_vocab\t8\nvalid_from\t1000\ntest_from\t2000\n\xfe"
        "#user\tdevice\tcountry\n0\t1\t3\n1\t0\t0\n2\t2\t1\n\xfe#item\tgenres\tyear\n0\t1|5\t2\n1\t-\t0\n2\t3\t1\n3\t2|"
        "1|4\t2\n4\t0\t1\n\xfe"
        "#user\tts\titem\tfeedback\n2\t100\t4\t1\n2\t100\t3\t0\n0\t50\t1\t2\n\xfe";
    const std::string lists =
        head + "0\t2\t200\t2\t3\t4,0,2\t0.5,.25,-1e-3\t0,1,0\t10,20,30\n1\t1\t400\t0\t0\t1,3\t2,1\t1,1\t5,5.5\n\xfe" +
        head + "\xfe" + head + "2\t0\t2000\t1\t7\t3\t-\t1\t-\n";
    return {tables + lists,
            tables + lists +
                "\xfe#list\tshown\n0\t2,0\n1\t1\n\xfe#item\ttitle\n0\tOne\n1\tTwo\n2\tThree\n3\tFour\n4\tFive\n"};
}

/// A folder of arrays: the name and the bytes of each, one after the other.
inline void arrays(std::string_view bytes) {
    static const MemoryFolder folder;
    folder.clear();
    const auto given = parts(bytes, '\xfe');
    for (std::size_t i = 0; i < given.size() && i < 4; ++i)
        folder.put(std::vector<std::string>{"offsets.npy", "label.npy", "x.npy", "request_id.npy"}[i], given[i]);
    try {
        data::SurveySink sink;
        data::NpyReader(folder.path()).read(sink, "candidates");
    } catch (const Error& e) {
        must_be_a_line(e);
    }
}
inline Seeds arrays_seeds() {
    const auto npy = [](const char* kind, const char* shape, const std::string& data) {
        std::string head = std::string("{'descr': '") + kind + "', 'fortran_order': False, 'shape': " + shape + ", }";
        head.resize(117, ' ');
        head += '\n';
        return std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(head.size()) + '\0' + head + data;
    };
    const std::string offsets = npy("<i4", "(3,)", std::string("\0\0\0\0\2\0\0\0\3\0\0\0", 12));
    return {joined({offsets, npy("|i1", "(3,)", std::string("\1\0\2", 3)), npy("<f4", "(3, 2)", std::string(24, '\1'))},
                   '\xfe'),
            offsets};
}

}  // namespace psad::fuzz
