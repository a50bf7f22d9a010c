# proto/**/*.proto -> kp_proto: messages and their descriptors. No stubs: the server reads methods
# from the descriptors, and clients bring their own.
find_package(Protobuf REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(KP_GRPC REQUIRED IMPORTED_TARGET grpc++)

set(proto_dir ${PROJECT_SOURCE_DIR}/proto)
file(GLOB_RECURSE protos CONFIGURE_DEPENDS ${proto_dir}/*.proto)
set(proto_out ${PROJECT_BINARY_DIR}/proto)
file(MAKE_DIRECTORY ${proto_out})
set(proto_sources)
foreach(proto IN LISTS protos)
  file(RELATIVE_PATH name ${proto_dir} ${proto})
  string(REGEX REPLACE "\\.proto$" ".pb" stem ${name})
  add_custom_command(
    OUTPUT ${proto_out}/${stem}.cc ${proto_out}/${stem}.h
    COMMAND protobuf::protoc --proto_path=${proto_dir} --cpp_out=${proto_out} ${name}
    DEPENDS ${proto} WORKING_DIRECTORY ${proto_dir}
    COMMENT "compiling ${name}")
  list(APPEND proto_sources ${proto_out}/${stem}.cc)
endforeach()
add_library(kp_proto STATIC ${proto_sources})
target_include_directories(kp_proto SYSTEM PUBLIC ${proto_out})
target_link_libraries(kp_proto PUBLIC protobuf::libprotobuf)
