# The headers and a CMake package: find_package(psad 0.1 REQUIRED) gives psad::psad, with COMPONENTS thrust also
# psad::thrust.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/psad)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/psad DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS psad EXPORT psad-targets)
install(EXPORT psad-targets NAMESPACE psad:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/psad-config.cmake.in
                              ${PROJECT_BINARY_DIR}/psad-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/psad-config-version.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/psad-config.cmake ${PROJECT_BINARY_DIR}/psad-config-version.cmake
              ${CMAKE_CURRENT_LIST_DIR}/thrust.cmake
        DESTINATION ${package_dir})
