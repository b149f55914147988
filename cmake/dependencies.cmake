# What each component needs from elsewhere. Read by the build and, installed, by find_package; `psad_find` is find_package
# or find_dependency.
macro(psad_find_dependencies_of component)
  if("${component}" STREQUAL "cpu")
    psad_find(Eigen3 NO_MODULE)  # 3.4 or 5
    psad_find(TBB)
  elseif("${component}" STREQUAL "data")
    psad_find(ZLIB)
    psad_find(xtensor)
    psad_find(simdjson)
    psad_find(nlohmann_json 3.11)
  elseif("${component}" STREQUAL "model_file")
    psad_find(ZLIB)
    psad_find(nlohmann_json 3.11)
  endif()
endmacro()
