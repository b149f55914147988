// The second translation unit: everything in psad's headers may be defined in both.
#include <psad/psad.hpp>

void throw_error();

void throw_error() {
    throw psad::SettingError("other.cpp", "", "an error", "main.cpp to catch it");
}
