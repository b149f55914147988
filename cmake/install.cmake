# The headers, a CMake package and a pkg-config file: find_package(psad 0.1 REQUIRED) gives psad::psad and all its components;
# with COMPONENTS only those, and only what they need is looked for.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/psad)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/psad DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
foreach(component IN ITEMS core ${PSAD_COMPONENTS})
  install(TARGETS psad_${component} EXPORT psad-${component})
  install(EXPORT psad-${component} NAMESPACE psad:: DESTINATION ${package_dir})
endforeach()
install(TARGETS psad EXPORT psad-psad)
install(EXPORT psad-psad NAMESPACE psad:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/psad-config.cmake.in
                              ${PROJECT_BINARY_DIR}/psad-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/psad-config-version.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/psad-config.cmake ${PROJECT_BINARY_DIR}/psad-config-version.cmake
              ${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake ${CMAKE_CURRENT_LIST_DIR}/thrust.cmake
        DESTINATION ${package_dir})

set(PSAD_PC_REQUIRES)
foreach(component IN LISTS PSAD_COMPONENTS)
  list(APPEND PSAD_PC_REQUIRES ${modules_of_${component}})
endforeach()
list(REMOVE_DUPLICATES PSAD_PC_REQUIRES)
list(JOIN PSAD_PC_REQUIRES " " PSAD_PC_REQUIRES)
configure_file(${CMAKE_CURRENT_LIST_DIR}/psad.pc.in ${PROJECT_BINARY_DIR}/psad.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/psad.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
