# room(NAME KNOWS...): the static library crossfade_NAME from src/NAME/*.cpp, and, where tests/unit/NAME/*_test.cpp
# exist, the program test_NAME that proves it, registered with ctest under the name of the room.
# Data files that a room embeds are made into .cpp by crossfade_embed (below).

add_library(crossfade_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
target_precompile_headers(crossfade_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.hpp)
target_link_libraries(crossfade_pch PUBLIC Boost::json Boost::url fmt::fmt Threads::Threads OpenSSL::Crypto)
target_include_directories(crossfade_pch PUBLIC ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(crossfade_pch PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                           BOOST_ASIO_NO_DEPRECATED SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL)

# The tests share a second precompiled header that also holds GoogleTest.
add_library(crossfade_test_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
target_precompile_headers(crossfade_test_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.hpp <gtest/gtest.h>)
target_link_libraries(crossfade_test_pch PUBLIC crossfade_pch GTest::gtest)

set(crossfade_libraries_net OpenSSL::SSL ZLIB::ZLIB)
set(crossfade_libraries_base spdlog::spdlog)
set(crossfade_libraries_expr re2)
set(crossfade_libraries_kube yaml-cpp)
set(crossfade_libraries_local yaml-cpp re2 prometheus-cpp::core)
set(crossfade_libraries_cli CLI11::CLI11 yaml-cpp)
set(crossfade_libraries_controller prometheus-cpp::core CLI11::CLI11)
set(crossfade_libraries_api yaml-cpp lz4)

function(room name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp ${CMAKE_SOURCE_DIR}/src/${name}/*/*.cpp)
  list(TRANSFORM ARGN PREPEND crossfade_ OUTPUT_VARIABLE known)
  if(sources)
    add_library(crossfade_${name} STATIC ${sources})
    target_precompile_headers(crossfade_${name} REUSE_FROM crossfade_pch)
    target_link_libraries(crossfade_${name} PUBLIC crossfade_pch ${known} ${crossfade_libraries_${name}})
    if(EXISTS ${CMAKE_SOURCE_DIR}/src/${name}/embed.cmake)
      include(${CMAKE_SOURCE_DIR}/src/${name}/embed.cmake)
    endif()
  else()
    add_library(crossfade_${name} INTERFACE)
    target_link_libraries(crossfade_${name} INTERFACE crossfade_pch ${known})
  endif()

  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${name}/*.cpp)
  if(tests)
    add_executable(test_${name} ${tests})
    target_precompile_headers(test_${name} REUSE_FROM crossfade_test_pch)
    target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(test_${name} PRIVATE crossfade_${name} crossfade_test_pch GTest::gtest_main)
    target_compile_definitions(test_${name} PRIVATE CROSSFADE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()
  file(GLOB benches CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/bench/${name}/*.cpp)
  if(benches)
    add_executable(bench_${name} EXCLUDE_FROM_ALL ${benches})
    target_include_directories(bench_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(bench_${name} PRIVATE crossfade_${name} GTest::gtest benchmark::benchmark_main)
  endif()
endfunction()

# crossfade_embed(TARGET NAMESPACE FILE...): compiles files into TARGET. Each FILE (absolute, or relative to the source tree) is
# found at run time by its base name through `crossfade::NAMESPACE::embedded(name)`, declared in the room's own header
# as: std::string_view embedded(std::string_view name);  (empty when there is no such file).
function(crossfade_embed target namespace)
  set(output ${CMAKE_BINARY_DIR}/embedded/${target}_${namespace}.cpp)
  set(inputs)
  foreach(file ${ARGN})
    get_filename_component(path ${file} ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
    list(APPEND inputs ${path})
  endforeach()
  add_custom_command(OUTPUT ${output} COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tools/embed.py ${namespace} ${output} ${inputs}
                     DEPENDS ${inputs} ${CMAKE_SOURCE_DIR}/tools/embed.py VERBATIM)
  target_sources(${target} PRIVATE ${output})
  set_source_files_properties(${output} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()
