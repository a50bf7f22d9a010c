# The Debian package: cpack --config build/release/CPackConfig.cmake. What it depends on is read from
# the programs and modules themselves (dpkg-shlibdeps). SOURCE_DATE_EPOCH dates what is in it.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kneepoint)
set(CPACK_PACKAGE_VENDOR "The Kneepoint authors")
set(CPACK_PACKAGE_CONTACT "The Kneepoint authors <kneepoint@localhost>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
    "finds, prices and deploys the hardware that serves a language model")
set(CPACK_PACKAGE_DESCRIPTION
    "Recommends which model server on which accelerator meets a latency target, from measured and
predicted load/latency curves, measures servers of your own, and writes the manifests that deploy the
answer. As a service it answers over REST and gRPC and shows a console.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Loaded by path when they are needed, so their libraries count too.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package_service.cmake)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE ${PROJECT_BINARY_DIR}/packaging/conffiles "/etc/default/kneepoint\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/packaging/conffiles)
include(CPack)
