#include <iostream>
#include <psad/psad.hpp>

void throw_error();

int main() {
    try {
        throw_error();
    } catch (const psad::SettingError& error) {
        std::cout << "caught across translation units: " << error.what() << '\n';
        return 0;
    }
    return 1;
}
