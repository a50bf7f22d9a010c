# The Debian package: cpack --config build/release/CPackConfig.cmake. What it depends on is read from
# the programs and modules themselves (dpkg-shlibdeps). SOURCE_DATE_EPOCH dates what is in it.
set(KP_PACKAGE_CONTACT "The Kneepoint authors <authors@kneepoint.invalid>" CACHE STRING
    "Who answers for the packages made here: NAME <ADDRESS>")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kneepoint)
set(CPACK_PACKAGE_VENDOR "The Kneepoint authors")
set(CPACK_PACKAGE_CONTACT ${KP_PACKAGE_CONTACT})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
    "finds, prices and deploys the hardware that serves a language model")
set(CPACK_PACKAGE_DESCRIPTION
    "Recommends which model server on which accelerator meets a latency target,
from measured and predicted load/latency curves, measures servers of your
own, and writes the manifests that deploy the answer. As a service it
answers over REST and gRPC and shows a console.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Loaded by path when they are needed, so their libraries count too.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "kubernetes-client, postgresql")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)  # whatever the umask of who builds it

# What the tree of a package has beyond an installed one; the variables are handed to that script.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package_tree.cmake)
set(CPACK_KNEEPOINT_SOURCE ${PROJECT_SOURCE_DIR})
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C date -u -d ${KP_RELEASE_DATE} "+%a, %d %b %Y 12:00:00 +0000"
  OUTPUT_VARIABLE CPACK_KNEEPOINT_DATE OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE ${PROJECT_BINARY_DIR}/packaging/conffiles "/etc/default/kneepoint\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_BINARY_DIR}/packaging/conffiles ${PROJECT_SOURCE_DIR}/packaging/postinst
    ${PROJECT_SOURCE_DIR}/packaging/prerm ${PROJECT_SOURCE_DIR}/packaging/postrm)
include(CPack)
