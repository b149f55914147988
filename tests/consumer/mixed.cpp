// Links objects of other instruction sets and of another version: each keeps its own psad.
#include <cstdio>
#include <psad/serve.hpp>
#include <set>
#include <string>

std::string sum_of_v2(float& sum);
std::string sum_of_v3(float& sum);
std::string sum_of_other_version(float& sum);

int main() {
    float sums[3] = {0, 0, 0};
    const std::set<std::string> namespaces{sum_of_v2(sums[0]), sum_of_v3(sums[1]), sum_of_other_version(sums[2])};
    for (const std::string& name : namespaces) std::printf("%s\n", name.c_str());
    for (const float sum : sums) {
        if (sum != 30) return 1;
    }
    return namespaces.size() == 3 ? 0 : 1;
}
