# The web console. Nothing here needs Node.js until it is asked for: `cmake --build --preset release
# --target console` builds it into build/release/web, where kneepoint-serve finds it; the tests build
# it too. What is there when the tree is installed is installed.
add_custom_target(console
  COMMAND ${PROJECT_SOURCE_DIR}/tools/build-console ${PROJECT_BINARY_DIR}/web
  USES_TERMINAL
  COMMENT "building the web console")
install(DIRECTORY ${PROJECT_BINARY_DIR}/web/ DESTINATION share/kneepoint/web OPTIONAL)
