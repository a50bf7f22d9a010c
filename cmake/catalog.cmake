# The shipped catalog: text in data/catalog, packed at build time into the one file the product maps.
add_executable(kneepoint-catalog-compile ${PROJECT_SOURCE_DIR}/src/catalog/compile_main.cc)
target_link_libraries(kneepoint-catalog-compile PRIVATE kp_catalog kp_options)

file(GLOB catalog_text CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/data/catalog/*.csv)
set(KP_CATALOG ${PROJECT_BINARY_DIR}/kneepoint.catalog)
add_custom_command(
  OUTPUT ${KP_CATALOG}
  COMMAND kneepoint-catalog-compile ${PROJECT_SOURCE_DIR}/data/catalog ${KP_CATALOG}
  DEPENDS ${catalog_text} kneepoint-catalog-compile
  COMMENT "packing the catalog")
add_custom_target(shipped_catalog ALL DEPENDS ${KP_CATALOG})
install(FILES ${KP_CATALOG} DESTINATION share/kneepoint)
if(TARGET catalog_test)
  add_dependencies(catalog_test shipped_catalog)
endif()
