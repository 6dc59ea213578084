# The targets of tests/fuzz: test_fuzz replays their corpus; fuzz (with CROSSFADE_FUZZ) looks for more.
set(fuzzed crossfade_expr crossfade_providers)

file(GLOB targets CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*.cpp)
list(FILTER targets EXCLUDE REGEX "/(main|replay_test)\\.cpp$")

add_executable(test_fuzz ${targets} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_test.cpp)
target_precompile_headers(test_fuzz REUSE_FROM crossfade_test_pch)
target_include_directories(test_fuzz PRIVATE ${CMAKE_SOURCE_DIR}/tests)
target_link_libraries(test_fuzz PRIVATE ${fuzzed} crossfade_test_pch GTest::gtest_main)
target_compile_definitions(test_fuzz PRIVATE CROSSFADE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
add_test(NAME fuzz COMMAND test_fuzz)

if(CROSSFADE_FUZZ)
  add_executable(fuzz ${targets} ${CMAKE_SOURCE_DIR}/tests/fuzz/main.cpp)
  target_include_directories(fuzz PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(fuzz PRIVATE ${fuzzed})
  target_link_options(fuzz PRIVATE -fsanitize=fuzzer)
endif()
