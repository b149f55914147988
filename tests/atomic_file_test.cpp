// Files that appear as a whole.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>

#include "psad/core/atomic_file.hpp"
#include "support/allocations.hpp"
#include "support/files.hpp"

using namespace psad;
using namespace psad::test;

namespace {

std::ptrdiff_t count_files(const TempFolder& folder) {
    return std::distance(std::filesystem::directory_iterator(folder.path()), {});
}
void replace(const std::filesystem::path& target, const std::string& text) {
    AtomicFile file(target);
    file.write(text.data(), text.size());
    file.commit();
}

}  // namespace

TEST_CASE("a file is the old one until it is the new one") {
    const TempFolder home;
    const auto target = home / "model";
    write_bytes(target, "old");
    {
        AtomicFile file(target);
        file.write("new", 3);
        CHECK(read_bytes(target) == "old");
    }
    CHECK(read_bytes(target) == "old");
    const std::string large(3 << 20, 'x');
    replace(target, large);
    CHECK(read_bytes(target) == large);
    CHECK(count_files(home) == 1);
}

TEST_CASE("what killed programs left is swept, what others are writing is not") {
    const TempFolder home;
    const auto left = home / ".psad-77-0.tmp";
    write_bytes(left, "part");
    AtomicFile first(home / "a");
    CHECK(!std::filesystem::exists(left));
    first.write("1", 1);
    replace(home / "b", "2");  // sweeps, too
    first.commit();
    CHECK(read_bytes(home / "a") == "1");
    CHECK(read_bytes(home / "b") == "2");
    write_bytes(home / "psad-7.tmp", "somebody's");
    replace(home / "c", "3");
    CHECK(count_files(home) == 4);
}

TEST_CASE("the mode, the attributes and the links of a replaced file stay") {
    const TempFolder home;
    const auto target = home / "model", link = home / "link";
    write_bytes(target, "old");
    chmod(target.c_str(), 0640);
    const bool has_attributes = setxattr(target.c_str(), "user.owner", "ranking", 7, 0) == 0;
    std::filesystem::create_symlink("model", link);
    replace(link, "new");
    CHECK(std::filesystem::is_symlink(link));
    CHECK(read_bytes(target) == "new");
    struct stat now {};
    REQUIRE(stat(target.c_str(), &now) == 0);
    CHECK((now.st_mode & 07777) == 0640);
    if (has_attributes) {
        char value[8] = {};
        CHECK(getxattr(target.c_str(), "user.owner", value, sizeof value) == 7);
        CHECK(std::string(value) == "ranking");
    }
    CHECK(count_files(home) == 2);
}

TEST_CASE("a rehearsal leaves nothing behind and changes nothing") {
    const TempFolder home;
    write_bytes(home / "model", "old");
    {
        AtomicFile file(home / "model");
        file.write("new", 3);
        file.rehearse();
    }
    CHECK(read_bytes(home / "model") == "old");
    CHECK(count_files(home) == 1);
    CHECK_THROWS_AS(AtomicFile(home / "no" / "model"), FileError);
    CHECK_THROWS_AS(AtomicFile(home.path()), FileError);
}

TEST_CASE("where memory ends, the old file stays and nothing else is left") {
    const TempFolder home;
    const auto target = home / "model";
    for (std::size_t k = 1;; ++k) {
        write_bytes(target, "old");
        const bool failed = lacks_memory(k, [&] { replace(target, "new"); });
        CHECK(read_bytes(target) == (failed ? "old" : "new"));
        CHECK(count_files(home) == 1);
        if (!failed) break;
        REQUIRE(k < 1000);
    }
}
