# The kernel times: text in data/catalog/operators, packed at build time into a file of its own, so that
# a command that predicts nothing never opens it.
add_executable(kneepoint-operators-compile ${PROJECT_SOURCE_DIR}/src/perfmodel/operators_compile_main.cc)
target_link_libraries(kneepoint-operators-compile PRIVATE kp_perfmodel kp_options)

file(GLOB operators_text CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/data/catalog/operators/*.txt)
set(KP_OPERATORS ${PROJECT_BINARY_DIR}/kneepoint.operators)
add_custom_command(
  OUTPUT ${KP_OPERATORS}
  COMMAND kneepoint-operators-compile ${PROJECT_SOURCE_DIR}/data/catalog/operators ${KP_OPERATORS}
  DEPENDS ${operators_text} kneepoint-operators-compile
  COMMENT "packing the kernel times")
add_custom_target(shipped_operators ALL DEPENDS ${KP_OPERATORS})
install(FILES ${KP_OPERATORS} DESTINATION share/kneepoint)
# Whoever needs the catalog finds the kernel times beside it.
add_dependencies(shipped_catalog shipped_operators)
