# What the embedded cluster carries along (see local/embedded.hpp): the excerpt of built-in schemas, and, as one list, the CRDs of
# manifests/ and of the Gateway API.
file(GLOB crd_files RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/manifests/*.yaml
     ${CMAKE_SOURCE_DIR}/src/local/schemas/gateway-api/*.yaml)
list(TRANSFORM crd_files PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE crd_paths)
set(crds ${CMAKE_BINARY_DIR}/embedded/crds.json)
add_custom_command(OUTPUT ${crds} COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tools/yaml_to_json.py ${crds} ${crd_paths}
                   DEPENDS ${crd_paths} ${CMAKE_SOURCE_DIR}/tools/yaml_to_json.py VERBATIM)
crossfade_embed(crossfade_local local src/local/schemas/builtin.json src/local/schemas/protobuf.json ${crds})
